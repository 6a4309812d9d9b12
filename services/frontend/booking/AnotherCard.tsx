"use client";

/** Another card for seats that are still held: the one before was refused, or its buyer wants another. */

import { useState } from "react";

import { call, isUncertain } from "@/api/client";
import type { Booking } from "@/api/types";
import { Failure } from "@/components/Failure";
import { explainError, type Explained } from "@/components/problem";
import { useWords } from "@/components/providers";
import { CardForm } from "@/purchase/CardForm";

interface Props {
  booking: Booking;
  stripeKey: string;
  onChange: (booking: Booking) => void;
}

export function AnotherCard({ booking, stripeKey, onChange }: Props) {
  const words = useWords();
  const { t, money } = words;
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Explained | null>(null);
  const pay = async (method: string) => {
    setBusy(true);
    setFailed(null);
    try {
      onChange(await call("post", "/api/v1/bookings/{id}/payment", { id: booking.id, body: { payment_method: method } }));
    } catch (error) {
      setFailed(explainError(words, error, t(isUncertain(error) ? "card.once" : "card.none")));
    }
    setBusy(false);
  };
  return (
    <section className="sheet" aria-labelledby="card-title">
      <h2 id="card-title">{t("pay.card")}</h2>
      {failed && <Failure {...failed} />}
      <CardForm
        stripeKey={stripeKey}
        busy={busy}
        label={booking.total ? t("card.pay", { total: money(booking.total) }) : t("card.pay.plain")}
        onPaymentMethod={(method) => void pay(method)}
      />
    </section>
  );
}
