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
  const [isReady, setIsReady] = useState(false);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let gone = false;
    setProblem("");
    loadStripe(stripeKey).then(
      (stripe) => {
        if (gone || !field.current) return;
        const colour = getComputedStyle(field.current).color;
        const card = stripe.elements().create("card", { style: { base: { fontSize: "16px", color: colour } } });
        card.mount(field.current);
        ready.current = { stripe, card };
        setIsReady(true);
      },
      () => gone || setProblem(t("stripe.away")),
    );
    return () => {
      gone = true;
      ready.current?.card.destroy();
      ready.current = null;
      setIsReady(false);
    };
  }, [stripeKey, t, tries]);
  const pay = async () => {
    if (!ready.current || busy || asking) return;
    setAsking(true);
    setProblem("");
    const { stripe, card } = ready.current;
    try {
      const { paymentMethod, error } = await stripe.createPaymentMethod({ type: "card", card });
      if (paymentMethod) onPaymentMethod(paymentMethod.id);
      else setProblem(error?.message ?? t("stripe.refused"));
    } catch {
      setProblem(t("stripe.away"));
    }
    setAsking(false);
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
          {!isReady && (
            <button type="button" className="button button-quiet" onClick={() => setTries(tries + 1)}>
              {t("look.again")}
            </button>
          )}
        </Notice>
      )}
      <button type="submit" className="button button-wide" disabled={busy || asking || !isReady}>
        {busy || asking ? t("pay.sending") : label}
      </button>
    </form>
  );
}
