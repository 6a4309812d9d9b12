"use client";

/** Stripe's card field: the number goes to Stripe and never to us. */

import { useEffect, useRef, useState } from "react";

import { Notice } from "@/components/Notice";
import { useWords } from "@/components/providers";

import type { CardProps } from "./CardForm";
import { loadStripe, type Stripe, type StripeElement } from "./stripe";

export function StripeCard({ stripeKey, busy, label, onPaymentMethod }: CardProps & { stripeKey: string }) {
  const { t } = useWords();
  const field = useRef<HTMLDivElement>(null);
  const ready = useRef<{ stripe: Stripe; card: StripeElement } | null>(null);
  const [problem, setProblem] = useState("");
  const [asking, setAsking] = useState(false);
  useEffect(() => {
    let gone = false;
    loadStripe(stripeKey).then(
      (stripe) => {
        if (gone || !field.current) return;
        const colour = getComputedStyle(field.current).color;
        const card = stripe.elements().create("card", { style: { base: { fontSize: "16px", color: colour } } });
        card.mount(field.current);
        ready.current = { stripe, card };
      },
      () => setProblem(t("stripe.away")),
    );
    return () => {
      gone = true;
      ready.current?.card.destroy();
      ready.current = null;
    };
  }, [stripeKey, t]);
  const pay = async () => {
    if (!ready.current || busy || asking) return;
    setAsking(true);
    setProblem("");
    const { stripe, card } = ready.current;
    const { paymentMethod, error } = await stripe.createPaymentMethod({ type: "card", card });
    setAsking(false);
    if (paymentMethod) onPaymentMethod(paymentMethod.id);
    else setProblem(error?.message ?? t("stripe.refused"));
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void pay();
      }}
    >
      <div ref={field} className="stripe-field" role="group" aria-label={t("pay.card")} />
      {problem && (
        <Notice kind="error" title={problem}>
          <p>{t("money.none")}</p>
        </Notice>
      )}
      <button type="submit" className="button button-wide" disabled={busy || asking}>
        {busy || asking ? t("pay.sending") : label}
      </button>
    </form>
  );
}
