"use client";

/** Bookings that came to nothing: why, what became of the money, and the way on. */

import Link from "next/link";
import { useRouter } from "next/navigation";

import type { Booking } from "@/api/types";
import { Failure } from "@/components/Failure";
import { Notice } from "@/components/Notice";
import { explainReason } from "@/components/problem";
import { useWords } from "@/components/providers";
import { keepChoice } from "@/purchase/choice";
import { placedOrder } from "@/purchase/order";

import { refundText } from "./refund";
import { usePayment } from "./useBooking";

const CARD_REASONS = new Set([
  "authentication-failed",
  "authentication-required",
  "card-declined",
  "expired-card",
  "incorrect-cvc",
  "insufficient-funds",
  "invalid-payment-method",
  "payment-cancelled",
  "payment-expired",
  "processing-error",
  "psp-refused",
]);

export function Rejected({ booking }: { booking: Booking }) {
  const words = useWords();
  const { t } = words;
  const router = useRouter();
  const ordered = placedOrder(booking.id);
  const isCard = CARD_REASONS.has(booking.reason ?? "");
  const again = () => {
    if (ordered) keepChoice(booking.event_id, ordered.choice);
    router.push(`/events/${booking.event_id}${isCard && ordered ? "/checkout" : ""}`);
  };
  return (
    <Failure {...explainReason(words, booking.reason ?? "")}>
      <button type="button" className="button" onClick={again}>
        {t(isCard && ordered ? "again.card" : "again.seats")}
      </button>
    </Failure>
  );
}

export function Cancelled({ booking }: { booking: Booking }) {
  const words = useWords();
  const { t, find } = words;
  const payment = usePayment(booking.payment_id, true);
  const what = find(`reason.${booking.reason ?? ""}.what`);
  return (
    <Notice kind="info" title={t(booking.status === "cancelling" ? "status.cancelling.about" : "status.cancelled.about")}>
      {what && <p>{what}</p>}
      <p data-testid="refund">{booking.payment_id ? refundText(words, payment) : t("money.none")}</p>
      <p>
        <Link href={`/events/${booking.event_id}`}>{t("again.seats")}</Link>
      </p>
    </Notice>
  );
}
