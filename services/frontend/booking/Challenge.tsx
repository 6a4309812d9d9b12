"use client";

/** The bank wants to see its customer; the seats are held meanwhile, and the clock says until when. */

import { useState } from "react";

import type { Booking } from "@/api/types";
import { Failure } from "@/components/Failure";
import type { Explained } from "@/components/problem";
import { useWords } from "@/components/providers";
import { loadStripe } from "@/purchase/stripe";

import { AnotherCard } from "./AnotherCard";
import { CancelButton } from "./CancelButton";
import { HeldUntil, TimeIsOver, useIsOver } from "./HeldUntil";

interface Props {
  booking: Booking;
  stripeKey: string;
  onChange: (booking: Booking) => void;
}

export function Challenge({ booking, stripeKey, onChange }: Props) {
  const { t, money, locale } = useWords();
  const isOver = useIsOver(booking);
  const [failed, setFailed] = useState<Explained | null>(null);
  const [another, setAnother] = useState(false);
  const todo = booking.next_action;
  const ask = async () => {
    if (!todo) return;
    setFailed(null);
    try {
      const stripe = await loadStripe(stripeKey, locale);
      const { error } = await stripe.handleNextAction({ clientSecret: todo.client_secret });
      if (error) setFailed({ what: error.message ?? t("stripe.refused"), money: t("card.none"), next: t("bank.retry") });
    } catch {
      setFailed({ what: t("stripe.away"), money: t("card.once"), next: t("bank.retry") });
    }
  };
  if (isOver) return <TimeIsOver />;
  // Ordered without a card: there is no bank to go to yet.
  const hasBank = Boolean(todo?.url || (todo && stripeKey));
  return (
    <div className="challenge">
      <p>{t(hasBank ? "bank.held" : "bank.held.plain")}</p>
      <HeldUntil booking={booking} label={t("bank.clock")} />
      <p>{booking.total ? t("bank.money", { total: money(booking.total) }) : t("bank.money.plain")}</p>
      {todo?.url ? (
        <p>
          <a className="button" href={todo.url} target="_blank" rel="noopener">
            {t("bank.go")}
          </a>
        </p>
      ) : todo && stripeKey ? (
        <p>
          <button type="button" className="button" onClick={() => void ask()}>
            {t("bank.go.here")}
          </button>
        </p>
      ) : null}
      {failed && <Failure {...failed} />}
      {hasBank && <p className="quiet">{t("bank.watching")}</p>}
      {another || !hasBank ? (
        <AnotherCard booking={booking} stripeKey={stripeKey} onChange={onChange} />
      ) : (
        <p>
          <button type="button" className="link" onClick={() => setAnother(true)}>
            {t("card.another")}
          </button>
        </p>
      )}
      <CancelButton booking={booking} onChange={onChange} />
    </div>
  );
}
