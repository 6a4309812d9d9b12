"use client";

/** Stripe's card field: the number goes to Stripe and never to us. */

import { useEffect, useRef, useState } from "react";

import { Again } from "@/components/Again";
import { Failure } from "@/components/Failure";
import type { Explained } from "@/components/problem";
import { useWords } from "@/components/providers";
import type { Words } from "@/messages";

import type { CardProps } from "./card";
import { loadStripe, type Stripe, type StripeElement } from "./stripe";

export function StripeCard({ stripeKey, busy, label, onPaymentMethod }: CardProps & { stripeKey: string }) {
  const { t, locale } = useWords();
  const field = useRef<HTMLDivElement>(null);
  const ready = useRef<{ stripe: Stripe; card: StripeElement } | null>(null);
  const [failed, setFailed] = useState<Explained | null>(null);
  const [asking, setAsking] = useState(false);
  const [isReady, setIsReady] = useState(false);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let gone = false;
    setFailed(null);
    loadStripe(stripeKey, locale).then(
      (stripe) => {
        if (gone || !field.current) return;
        const colour = getComputedStyle(field.current).color;
        const card = stripe.elements().create("card", { style: { base: { fontSize: "16px", color: colour } } });
        card.mount(field.current);
        ready.current = { stripe, card };
        setIsReady(true);
      },
      () => gone || setFailed(away(t)),
    );
    return () => {
      gone = true;
      ready.current?.card.destroy();
      ready.current = null;
      setIsReady(false);
    };
  }, [stripeKey, locale, t, tries]);
  const pay = async () => {
    if (!ready.current || busy || asking) return;
    setAsking(true);
    setFailed(null);
    const { stripe, card } = ready.current;
    try {
      const { paymentMethod, error } = await stripe.createPaymentMethod({ type: "card", card });
      if (paymentMethod) onPaymentMethod(paymentMethod.id);
      else setFailed({ what: error?.message ?? t("stripe.refused"), money: t("money.none"), next: t("stripe.next") });
    } catch {
      setFailed(away(t));
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
      {failed && (
        <Failure {...failed}>
          {!isReady && <Again onClick={() => setTries(tries + 1)} />}
        </Failure>
      )}
      <button type="submit" className="button button-wide" disabled={busy || asking || !isReady}>
        {busy || asking ? t("pay.sending") : label}
      </button>
    </form>
  );
}

function away(t: Words["t"]): Explained {
  return { what: t("stripe.away"), money: t("money.none"), next: t("error.other.next") };
}
