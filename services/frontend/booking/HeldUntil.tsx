"use client";

/** The clock of seats that are held for a payment. */

import type { Booking } from "@/api/types";
import { Notice } from "@/components/Notice";
import { useWords } from "@/components/providers";
import { clockText, useSecondsUntil } from "@/purchase/clock";

export function HeldUntil({ booking, label }: { booking: Booking; label: string }) {
  const { t } = useWords();
  const leftS = useSecondsUntil(booking.expires_at);
  if (!booking.expires_at) return null;
  return (
    <p className="clock">
      <span className="clock-time" role="timer" aria-label={label}>
        {clockText(leftS)}
      </span>
      <span className="quiet">{t("bank.until")}</span>
    </p>
  );
}

/** Between the clock's end and the desk's word. */
export function TimeIsOver() {
  const { t } = useWords();
  return (
    <Notice kind="info" title={t("card.over")}>
      <p>{t("card.over.money")}</p>
      <p>{t("card.over.next")}</p>
    </Notice>
  );
}

/** Whether the seats are not held any more; the desk says so itself a moment later. */
export function useIsOver(booking: Booking): boolean {
  const leftS = useSecondsUntil(booking.expires_at);
  return booking.expires_at !== null && leftS === 0;
}
