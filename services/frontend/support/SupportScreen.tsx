"use client";

/** Why did somebody get no ticket? The booking's own account of it, by its number. */

import { useState } from "react";

import { call, Refused } from "@/api/client";
import type { Timeline } from "@/api/types";
import { Field } from "@/components/Field";
import { Failure } from "@/components/Failure";
import { explainError, type Explained } from "@/components/problem";
import { useWords } from "@/components/providers";
import { Gate } from "@/organiser/Gate";

export function SupportScreen() {
  return (
    <Gate role="admin">
      <LookUp />
    </Gate>
  );
}

function LookUp() {
  const words = useWords();
  const { t, money } = words;
  const [timeline, setTimeline] = useState<Timeline | null>(null);
  const [failed, setFailed] = useState<Explained | null>(null);
  const look = async (id: string) => {
    setFailed(null);
    setTimeline(null);
    try {
      setTimeline(await call("get", "/api/v1/bookings/{id}/timeline", { id }));
    } catch (error) {
      const missing = error instanceof Refused && error.problem.status === 404;
      const money = t("money.safe");
      setFailed(missing ? { what: t("support.missing"), money, next: t("support.missing.next") } : explainError(words, error, money));
    }
  };
  return (
    <div className="narrow section">
      <h1>{t("nav.support")}</h1>
      <form
        className="sheet"
        onSubmit={(event) => {
          event.preventDefault();
          void look(String(new FormData(event.currentTarget).get("booking") ?? "").trim());
        }}
      >
        <Field label={t("booking.id")} name="booking" required maxLength={64} hint={t("support.hint")} autoComplete="off" />
        <button type="submit" className="button">
          {t("support.go")}
        </button>
      </form>
      {failed && <Failure {...failed} />}
      {timeline && (
        <section className="sheet" aria-labelledby="timeline">
          <h2 id="timeline">{t("support.status", { status: t(`status.${timeline.status}.short`) })}</h2>
          <div className="scroll">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">{t("support.at")}</th>
                  <th scope="col">{t("support.what")}</th>
                </tr>
              </thead>
              <tbody>
                {timeline.entries.map((entry, at) => (
                  <tr key={at}>
                    <td>
                      {entry.at ? <When iso={entry.at} /> : "–"}
                    </td>
                    <td>
                      {words.find(`timeline.${entry.code}`) ?? entry.sentence} {entry.amount && money(entry.amount)} {entry.reason && <code>{entry.reason}</code>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {timeline.trace_id && (
            <p className="quiet small">
              {t("support.trace")} <code>{timeline.trace_id}</code>
            </p>
          )}
        </section>
      )}
    </div>
  );
}

/** To the second, on the reader's own clock. */
function When({ iso }: { iso: string }) {
  const { locale } = useWords();
  const language = locale === "en" ? "en-GB" : locale;
  const at = new Date(iso);
  return (
    <time className="when" dateTime={iso}>
      <span>{at.toLocaleDateString(language, { dateStyle: "medium" })}</span> <span>{at.toLocaleTimeString(language)}</span>
    </time>
  );
}
