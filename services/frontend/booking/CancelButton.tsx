"use client";

/** Cancel, after one question that says what becomes of seats and money. */

import { useState } from "react";

import { call, isUncertain } from "@/api/client";
import type { Booking } from "@/api/types";
import { Failure } from "@/components/Failure";
import { explainError, type Explained } from "@/components/problem";
import { useWords } from "@/components/providers";

export function CancelButton({ booking, onChange }: { booking: Booking; onChange: (booking: Booking) => void }) {
  const words = useWords();
  const { t, money } = words;
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Explained | null>(null);
  const paid = booking.status === "confirmed" && booking.total;
  const cancel = async () => {
    setBusy(true);
    setFailed(null);
    try {
      onChange(await call("post", "/api/v1/bookings/{id}/cancel", { id: booking.id }));
      setAsking(false);
    } catch (error) {
      setFailed(explainError(words, error, t(isUncertain(error) ? "cancel.unknown" : "cancel.unchanged")));
    }
    setBusy(false);
  };
  return (
    <div className="cancel no-print">
      {failed && <Failure {...failed} />}
      {asking ? (
        <div role="group" aria-label={t("cancel.ask")} className="ask">
          <p>{paid ? t("cancel.ask.paid", { total: money(paid) }) : t("cancel.ask")}</p>
          <div className="actions">
            <button type="button" className="button button-bad" disabled={busy} onClick={() => void cancel()} autoFocus>
              {t("cancel.yes")}
            </button>
            <button type="button" className="button button-quiet" disabled={busy} onClick={() => setAsking(false)}>
              {t("cancel.no")}
            </button>
          </div>
        </div>
      ) : (
        <button type="button" className="link" onClick={() => setAsking(true)}>
          {t("cancel.go")}
        </button>
      )}
    </div>
  );
}
