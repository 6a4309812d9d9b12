"use client";

/** The one screen between choosing and the line: who you are, how you pay. */

import Link from "next/link";
import { useRouter } from "next/navigation";
import { useCallback, useEffect, useRef, useState } from "react";

import type { Event } from "@/api/types";
import { Failure } from "@/components/Failure";
import { Notice } from "@/components/Notice";
import { explainError, type Explained } from "@/components/problem";
import { useSession, useWords } from "@/components/providers";
import { SignIn } from "@/components/SignIn";

import { CardForm } from "./CardForm";
import { placesIn, useChoice } from "./choice";
import { newOrder, NotPlaced, pendingOrder, place, type Pending } from "./order";
import { linesOf, totalOf } from "./price";

interface Props {
  event: Event;
  stripeKey: string;
}

export function Checkout({ event, stripeKey }: Props) {
  const words = useWords();
  const { t, money, moment } = words;
  const { person } = useSession();
  const kept = useChoice(event.id);
  const { sending, failed, order, leaving } = useOrder(event);
  const [hydrated, setHydrated] = useState(false);
  useEffect(() => setHydrated(true), []);
  // While it is on its way the choice may be gone already.
  const choice = placesIn(kept) ? kept : (leaving?.choice ?? kept);
  const total = totalOf(event, choice);
  if (hydrated && !placesIn(choice) && !sending) {
    return (
      <div className="narrow section">
        <Notice kind="info" title={t("pay.nothing")}>
          <p>
            <Link href={`/events/${event.id}`}>{t("pay.nothing.next")}</Link>
          </p>
        </Notice>
      </div>
    );
  }
  return (
    <div className="narrow section checkout">
      <h1>{t("pay.title")}</h1>
      <section className="sheet" aria-labelledby="order-title">
        <h2 id="order-title">{event.title}</h2>
        <p className="quiet">
          {event.starts_at && moment(event.starts_at, event.venue.timezone)} · {event.venue.name}
        </p>
        <ul className="lines">
          {linesOf(event, choice, words).map((line) => (
            <li key={line.key}>
              <span>{line.text}</span>
              <span className="lines-price">{line.price && money({ ...line.price, amount: line.price.amount * line.many })}</span>
            </li>
          ))}
        </ul>
        <p className="total">
          <span>{t("choice.total", { count: placesIn(choice) })}</span>
          <strong>{total ? money(total) : "–"}</strong>
        </p>
        <p>
          <Link href={`/events/${event.id}`}>{t("pay.change")}</Link>
        </p>
      </section>
      {failed && <Failure {...failed} />}
      {person ? (
        <section className="sheet" aria-labelledby="pay-title">
          <h2 id="pay-title">{t("pay.card")}</h2>
          <p className="quiet">{t("pay.as", { email: person.email })}</p>
          <CardForm
            stripeKey={stripeKey}
            busy={sending}
            label={total ? t("pay.go", { total: money(total) }) : t("pay.go.plain")}
            onPaymentMethod={(method) => order(choice, method)}
          />
          <p className="quiet small">
            {t("pay.promise")} {t("pay.organiser")}
          </p>
        </section>
      ) : (
        <section className="sheet" aria-labelledby="sign-in-title">
          <h2 id="sign-in-title">{t("pay.who")}</h2>
          <p className="quiet">{t("pay.who.about")}</p>
          <SignIn money={t("money.none")} />
        </section>
      )}
    </div>
  );
}

function useOrder(event: Event) {
  const words = useWords();
  const router = useRouter();
  const { person } = useSession();
  const [sending, setSending] = useState(false);
  const [leaving, setLeaving] = useState<Pending | null>(null);
  const [failed, setFailed] = useState<Explained | null>(null);
  const send = useCallback(
    async (pending: Pending) => {
      setSending(true);
      setLeaving(pending);
      setFailed(null);
      try {
        const booking = await place(pending, event.title);
        router.push(`/bookings/${booking.id}`);
      } catch (error) {
        if (!(error instanceof NotPlaced)) throw error;
        setFailed(explainError(words, error.cause, words.t(error.mayBeInLine ? "money.once" : "money.none")));
        setSending(false);
      }
    },
    [event.id, event.title, router, words],
  );
  const tried = useRef(false);
  useEffect(() => {
    const pending = pendingOrder(event.id);
    if (!pending || !person || tried.current) return;
    // This page was reloaded while its order was on the way.
    tried.current = true;
    void send(pending);
  }, [event.id, person, send]);
  const order = (choice: Pending["choice"], method: string) => {
    const before = pendingOrder(event.id);
    const same = before && JSON.stringify(before.choice) === JSON.stringify(choice) && before.paymentMethod === method;
    void send(same ? before : newOrder(event.id, choice, method));
  };
  return { sending, failed, leaving, order };
}
