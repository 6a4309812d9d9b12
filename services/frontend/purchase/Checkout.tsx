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
import { choiceOf, isSame, placesIn, useChoice, type Choice } from "./choice";
import { forPerson, lastPlaced, newOrder, NotPlaced, pendingOrder, place, type Pending } from "./order";
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
  const { sending, failed, open, order, again } = useOrder(event);
  const [hydrated, setHydrated] = useState(false);
  useEffect(() => setHydrated(true), []);
  const choice = open?.choice ?? kept;
  const total = totalOf(event, choice);
  if (hydrated && !placesIn(choice)) return <NothingChosen eventId={event.id} />;
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
        {!open && (
          <p>
            <Link href={`/events/${event.id}`}>{t("pay.change")}</Link>
          </p>
        )}
      </section>
      {failed && (
        <Failure {...failed}>
          {open && (
            <button type="button" className="button" onClick={again}>
              {t("pay.open.go")}
            </button>
          )}
        </Failure>
      )}
      {open && !sending ? null : person ? (
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

function NothingChosen({ eventId }: { eventId: string }) {
  const { t } = useWords();
  const ordered = lastPlaced(eventId);
  return (
    <div className="narrow section">
      <Notice kind="info" title={t("pay.nothing")}>
        {ordered && (
          <p>
            <Link href={`/bookings/${ordered.bookingId}`}>{t("pay.nothing.ordered")}</Link>
          </p>
        )}
        <p>
          <Link href={`/events/${eventId}`}>{t("pay.nothing.next")}</Link>
        </p>
      </Notice>
    </div>
  );
}

/** Sends orders, one at a time. `open`: the one whose fate is not known, on its way or not; `again` sends it once more. */
function useOrder(event: Event) {
  const words = useWords();
  const router = useRouter();
  const { person } = useSession();
  const [sending, setSending] = useState(false);
  const [open, setOpen] = useState<Pending | null>(null);
  const [failed, setFailed] = useState<Explained | null>(null);
  const send = useCallback(
    async (pending: Pending) => {
      setSending(true);
      setOpen(pending);
      setFailed(null);
      try {
        const booking = await place(pending, event.title);
        router.push(`/bookings/${booking.id}`);
      } catch (error) {
        if (!(error instanceof NotPlaced)) throw error;
        setFailed(explainError(words, error.cause, words.t(error.mayBeInLine ? "money.once" : "money.none")));
        setOpen(error.mayBeInLine ? error.order : null);
        setSending(false);
      }
    },
    [event.title, router, words],
  );
  /** What is open comes first. By itself it goes out only where nothing else has been chosen since. */
  const resume = useCallback(
    (pending: Pending, choice: Choice) => {
      if (!placesIn(choice) || isSame(pending.choice, choice)) return void send(pending);
      setOpen(pending);
      const { t } = words;
      setFailed({ what: t("pay.open"), money: t("money.once"), next: t("pay.open.next") });
    },
    [send, words],
  );
  const resumed = useRef(false);
  useEffect(() => {
    const pending = person && pendingOrder(event.id, person.id);
    if (!pending || resumed.current) return;
    // This page was left or reloaded while its order was on the way.
    resumed.current = true;
    resume(pending, choiceOf(event.id));
  }, [event.id, person, resume]);
  const order = (choice: Choice, paymentMethod: string) => {
    if (!person) return;
    // Another tab may have ordered meanwhile.
    const pending = pendingOrder(event.id, person.id);
    if (pending) resume(pending, choice);
    else void send(newOrder({ personId: person.id, eventId: event.id, choice, paymentMethod }));
  };
  const mine = forPerson(open, person?.id);
  return { sending, failed: open && !mine ? null : failed, open: mine, order, again: () => mine && void send(mine) };
}
