"use client";

/** One address from the line to the ticket: whatever the booking is at this moment. */

import Link from "next/link";
import { useEffect, useRef } from "react";

import { Refused } from "@/api/client";
import { Again } from "@/components/Again";
import { Failure } from "@/components/Failure";
import { Notice } from "@/components/Notice";
import { explainError, explainReason } from "@/components/problem";
import { useSession, useWords } from "@/components/providers";
import { SignIn } from "@/components/SignIn";
import { keepChoice } from "@/purchase/choice";
import { placedOrder } from "@/purchase/order";

import { CancelButton } from "./CancelButton";
import { Challenge } from "./Challenge";
import { Cancelled, Rejected } from "./Ended";
import { InLine } from "./InLine";
import { PayAgain } from "./PayAgain";
import { stepOf } from "./step";
import { Tickets } from "./Tickets";
import { useBooking, useEvent, type Watched } from "./useBooking";

export function BookingScreen({ id, stripeKey }: { id: string; stripeKey: string }) {
  const { t } = useWords();
  const { person } = useSession();
  const watched = useBooking(id);
  const { booking } = watched;
  const event = useEvent(booking?.event_id ?? placedOrder(id)?.eventId);
  const heading = useRef<HTMLHeadingElement>(null);
  const step = booking ? stepOf(booking) : null;
  useEffect(() => {
    // The step has changed under a reader's eyes: begin to read where it begins.
    if (step) heading.current?.focus();
  }, [step]);
  return (
    <div className="narrow section booking">
      <p className="kicker no-print">{event ? <Link href={`/events/${event.id}`}>{event.title}</Link> : " "}</p>
      <h1 ref={heading} tabIndex={-1} data-status={booking?.status ?? "unknown"} data-step={step ?? "unknown"}>
        {step ? t(`status.${step}`) : t("status.looking")}
      </h1>
      {!person && !booking ? (
        <div className="sheet">
          <p>{t("booking.who")}</p>
          <SignIn money={t("money.safe")} />
        </div>
      ) : (
        <Body watched={watched} id={id} stripeKey={stripeKey} eventOf={event} />
      )}
      {booking && (
        <p className="quiet small no-print">
          {t("booking.id")} <code>{booking.id}</code>
        </p>
      )}
    </div>
  );
}

interface BodyProps {
  watched: Watched;
  id: string;
  stripeKey: string;
  eventOf: ReturnType<typeof useEvent>;
}

function Body({ watched, id, stripeKey, eventOf }: BodyProps) {
  const { t, money } = useWords();
  const { booking, error, set } = watched;
  if (!booking) return error ? <LookFailed error={error} id={id} again={watched.look} /> : <p className="quiet">{t("status.wait")}</p>;
  switch (stepOf(booking)) {
    case "queued":
      return <InLine booking={booking} onChange={set} />;
    case "pending":
      return <p>{t("status.pending.about")}</p>;
    case "delayed":
      return <Delayed />;
    case "pay_again":
      return <PayAgain booking={booking} stripeKey={stripeKey} onChange={set} />;
    case "awaiting_payment":
      return <Challenge booking={booking} stripeKey={stripeKey} onChange={set} />;
    case "confirmed":
      return (
        <>
          <p className="no-print">
            {booking.total ? t("status.confirmed.paid", { total: money(booking.total) }) : t("status.confirmed.about")}
          </p>
          <Tickets booking={booking} event={eventOf} />
          <CancelButton booking={booking} onChange={set} />
        </>
      );
    case "rejected":
      return <Rejected booking={booking} />;
    case "cancelling":
    case "cancelled":
      return <Cancelled booking={booking} />;
  }
}

/** Something of ours is away for long; a person has to look. */
function Delayed() {
  const words = useWords();
  const { what, money, next } = explainReason(words, "delayed");
  return (
    <Notice kind="warning" title={what}>
      <p>{money}</p>
      <p>{next}</p>
    </Notice>
  );
}

function LookFailed({ error, id, again }: { error: unknown; id: string; again: () => void }) {
  const words = useWords();
  const { t } = words;
  const ordered = placedOrder(id);
  if (error instanceof Refused && error.problem.status === 404) {
    return (
      <Notice kind="error" title={t(ordered ? "lost.title" : "missing.booking")}>
        <p>{t(ordered ? "money.none" : "money.safe")}</p>
        {ordered ? (
          <p>
            <Link href={`/events/${ordered.eventId}`} onClick={() => keepChoice(ordered.eventId, ordered.choice)}>
              {t("lost.next")}
            </Link>
          </p>
        ) : (
          <p>
            <Link href="/bookings">{t("missing.booking.next")}</Link>
          </p>
        )}
      </Notice>
    );
  }
  return (
    <Failure {...explainError(words, error, t("money.safe"))}>
      <Again onClick={again} />
    </Failure>
  );
}
