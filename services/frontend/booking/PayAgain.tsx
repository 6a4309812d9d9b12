"use client";

/** The bank said no, but the seats are still held: what happened, until when, and the way on. */

import type { Booking } from "@/api/types";
import { Notice } from "@/components/Notice";
import { explainReason } from "@/components/problem";
import { useWords } from "@/components/providers";

import { AnotherCard } from "./AnotherCard";
import { CancelButton } from "./CancelButton";
import { HeldUntil, useIsOver } from "./HeldUntil";

interface Props {
  booking: Booking;
  stripeKey: string;
  onChange: (booking: Booking) => void;
}

export function PayAgain({ booking, stripeKey, onChange }: Props) {
  const words = useWords();
  const { t } = words;
  const isOver = useIsOver(booking);
  // Of the reason only what happened: its advice is for seats that went back.
  const { what } = explainReason(words, booking.reason ?? "");
  if (isOver) {
    return (
      <Notice kind="info" title={what}>
        <p>{t("card.over")}</p>
      </Notice>
    );
  }
  return (
    <div className="challenge">
      <Notice kind="error" title={what}>
        <p>{t("card.none")}</p>
        <p>{t("card.held")}</p>
      </Notice>
      <HeldUntil booking={booking} label={t("card.clock")} />
      <AnotherCard booking={booking} stripeKey={stripeKey} onChange={onChange} />
      <CancelButton booking={booking} onChange={onChange} />
    </div>
  );
}
