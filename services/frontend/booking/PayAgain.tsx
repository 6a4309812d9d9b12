"use client";

/** The bank said no, but the seats are still held: what happened, until when, and the way on. */

import type { Booking } from "@/api/types";
import { Failure } from "@/components/Failure";
import { explainReason } from "@/components/problem";
import { useWords } from "@/components/providers";

import { AnotherCard } from "./AnotherCard";
import { CancelButton } from "./CancelButton";
import { HeldUntil, TimeIsOver, useIsOver } from "./HeldUntil";

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
  if (isOver) return <TimeIsOver />;
  return (
    <div className="challenge">
      <Failure what={what} money={t("card.none")} next={t("card.held")} />
      <HeldUntil booking={booking} label={t("card.clock")} />
      <AnotherCard booking={booking} stripeKey={stripeKey} onChange={onChange} />
      <CancelButton booking={booking} onChange={onChange} />
    </div>
  );
}
