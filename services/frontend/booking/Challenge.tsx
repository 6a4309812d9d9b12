"use client";

/** The bank wants to see its customer; the seats are held meanwhile, and the clock says until when. */

import { useState } from "react";

import type { Booking } from "@/api/types";
import { Notice } from "@/components/Notice";
import { useWords } from "@/components/providers";
import { clockText, useSecondsUntil } from "@/purchase/clock";
import { loadStripe } from "@/purchase/stripe";

import { CancelButton } from "./CancelButton";

interface Props {
  booking: Booking;
  stripeKey: string;
  onChange: (booking: Booking) => void;
}

export function Challenge({ booking, stripeKey, onChange }: Props) {
  const { t, money } = useWords();
  const leftS = useSecondsUntil(booking.expires_at);
  const [problem, setProblem] = useState("");
  const todo = booking.next_action;
  const ask = async () => {
    if (!todo) return;
    setProblem("");
    try {
      const stripe = await loadStripe(stripeKey);
      const { error } = await stripe.handleNextAction({ clientSecret: todo.client_secret });
      if (error) setProblem(error.message ?? t("stripe.refused"));
    } catch {
      setProblem(t("stripe.away"));
    }
  };
  return (
    <div className="challenge">
      <p>{t("bank.held")}</p>
      {booking.expires_at && (
        <p className="clock">
          <span className="clock-time" role="timer" aria-label={t("bank.clock")}>
            {clockText(leftS)}
          </span>
          <span className="quiet">{t("bank.until")}</span>
        </p>
      )}
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
      ) : (
        <p className="quiet">{t("bank.preparing")}</p>
      )}
      {problem && (
        <Notice kind="error" title={problem}>
          <p>{t("money.none")}</p>
        </Notice>
      )}
      <p className="quiet">{t("bank.watching")}</p>
      <CancelButton booking={booking} onChange={onChange} />
    </div>
  );
}
