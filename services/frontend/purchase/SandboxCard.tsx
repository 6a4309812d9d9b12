"use client";

/** The sandbox takes no numbers, only test cards: nobody can type a real one by mistake. */

import { useState } from "react";

import { useWords } from "@/components/providers";

import type { CardProps } from "./card";

const CARDS = [
  ["pm_card_visa", "4242", "works"],
  ["pm_card_threeDSecure2Required", "3220", "asks"],
  ["pm_card_chargeDeclined", "0002", "declined"],
  ["pm_card_chargeDeclinedInsufficientFunds", "9995", "funds"],
  ["pm_card_chargeDeclinedExpiredCard", "0069", "expired"],
  ["pm_card_delay", "0077", "slow"],
] as const;

export function SandboxCard({ busy, label, onPaymentMethod }: CardProps) {
  const { t } = useWords();
  const [chosen, setChosen] = useState<string>(CARDS[0][0]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) onPaymentMethod(chosen);
      }}
    >
      <p className="sandbox">{t("sandbox.warning")}</p>
      <fieldset className="cards-to-try">
        <legend>{t("sandbox.card")}</legend>
        {CARDS.map(([id, digits, what]) => (
          <label key={id} className="test-card">
            <input type="radio" name="card" value={id} checked={chosen === id} onChange={() => setChosen(id)} />
            <span className="test-card-number">•••• {digits}</span>
            <span>{t(`sandbox.${what}`)}</span>
          </label>
        ))}
      </fieldset>
      <button type="submit" className="button button-wide" disabled={busy}>
        {busy ? t("pay.sending") : label}
      </button>
    </form>
  );
}
