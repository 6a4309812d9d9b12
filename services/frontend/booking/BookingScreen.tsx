"use client";

/** One address from the line to the ticket: whatever the booking is at this moment. */

import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect, useRef } from "react";

import { Refused } from "@/api/client";
import type { Booking } from "@/api/types";
import { Notice } from "@/components/Notice";
import { explainError, explainReason } from "@/components/problem";
import { useSession, useWords } from "@/components/providers";
import { SignIn } from "@/components/SignIn";
import { keepChoice } from "@/purchase/choice";
import { placedOrder } from "@/purchase/order";

import { CancelButton } from "./CancelButton";
import { Challenge } from "./Challenge";
import { InLine } from "./InLine";
import { Tickets } from "./Tickets";
import { useBooking, useEvent, usePayment, type Watched } from "./useBooking";

export function BookingScreen({ id, stripeKey }: { id: string; stripeKey: string }) {
  const { t } = useWords();
  const { person } = useSession();
  const watched = useBooking(id);
  const { booking } = watched;
  const event = useEvent(booking?.event_id ?? placedOrder(id)?.eventId);
  const heading = useRef<HTMLHeadingElement>(null);
  const status = booking?.status;
  useEffect(() => {
    // The step has changed under a reader's eyes: begin to read where it begins.
    if (status) heading.current?.focus();
  }, [status]);
  return (
    <div className="narrow section booking">
      <p className="kicker no-print">{event ? <Link href={`/events/${event.id}`}>{event.title}</Link> : " "}</p>
      <h1 ref={heading} tabIndex={-1} data-status={status ?? "unknown"}>
        {status ? t(`status.${status}`) : t("status.looking")}
      </h1>
      {!person && !booking ? (
        <div className="sheet">
          <p>{t("booking.who")}</p>
          <SignIn />
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
  switch (booking.status) {
    case "queued":
      return <InLine booking={booking} onChange={set} />;
    case "pending":
      return <p>{t("status.pending.about")}</p>;
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

function Rejected({ booking }: { booking: Booking }) {
  const words = useWords();
  const { t } = words;
  const router = useRouter();
  const { what, money, next } = explainReason(words, booking.reason ?? "");
  const ordered = placedOrder(booking.id);
  const isCard = CARD_REASONS.has(booking.reason ?? "");
  const again = () => {
    if (ordered) keepChoice(booking.event_id, ordered.choice);
    router.push(`/events/${booking.event_id}${isCard && ordered ? "/checkout" : ""}`);
  };
  return (
    <Notice kind="error" title={what}>
      <p>{money}</p>
      <p>{next}</p>
      <button type="button" className="button" onClick={again}>
        {t(isCard && ordered ? "again.card" : "again.seats")}
      </button>
    </Notice>
  );
}

const CARD_REASONS = new Set([
  "card-declined",
  "insufficient-funds",
  "expired-card",
  "incorrect-cvc",
  "processing-error",
  "authentication-failed",
  "invalid-payment-method",
  "payment-expired",
]);

function Cancelled({ booking }: { booking: Booking }) {
  const words = useWords();
  const { t, money } = words;
  const payment = usePayment(booking.payment_id, true);
  const reason = words.find(`reason.${booking.reason ?? ""}.what`);
  const isPaid = payment && payment.status !== "cancelled" && payment.status !== "failed" && payment.status !== "requires_action";
  return (
    <Notice kind="info" title={t(booking.status === "cancelling" ? "status.cancelling.about" : "status.cancelled.about")}>
      {reason && <p>{reason}</p>}
      {!booking.payment_id && <p>{t("money.none")}</p>}
      {payment && !isPaid && <p>{t("money.none")}</p>}
      {isPaid && (
        <p data-testid="refund">
          {payment.refunded.amount > 0 ? t("refund.done", { total: money(payment.refunded) }) : t("refund.coming", { total: money(payment.amount) })}
        </p>
      )}
      <p>
        <Link href={`/events/${booking.event_id}`}>{t("again.seats")}</Link>
      </p>
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
        {ordered && <p>{t("money.none")}</p>}
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
  const { what, money, next } = explainError(words, error, t("money.safe"));
  return (
    <Notice kind="error" title={what}>
      <p>{money}</p>
      <p>{next}</p>
      <button type="button" className="button button-quiet" onClick={again}>
        {t("look.again")}
      </button>
    </Notice>
  );
}
