"use client";

/** One event as its organiser watches it: what is sold, held, free, waiting, and what money that makes. */

import Link from "next/link";
import { useRouter } from "next/navigation";
import { useCallback, useEffect, useState, type ReactNode } from "react";

import { call, isUncertain } from "@/api/client";
import type { Event } from "@/api/types";
import { Again } from "@/components/Again";
import { Failure } from "@/components/Failure";
import { Notice } from "@/components/Notice";
import { explainError, type Explained } from "@/components/problem";
import { useHeard, useIsLive, useRoom, useSession, useWords } from "@/components/providers";
import { useCounts, usePlaces } from "@/live/seats";
import type { Heard } from "@/live/socket";
import { sectionPrice } from "@/purchase/price";

import { AttendeeList } from "./AttendeeList";
import { Gate } from "./Gate";

export function SaleScreen({ id }: { id: string }) {
  return (
    <Gate role="organiser">
      <Sale id={id} />
    </Gate>
  );
}

function Sale({ id }: { id: string }) {
  const words = useWords();
  const { t, moment } = words;
  const { person } = useSession();
  const [event, setEvent] = useState<Event | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(() => {
    call("get", "/api/v1/events/{id}", { id }).then(setEvent, setError);
  }, [id]);
  useEffect(() => {
    if (person) load();
  }, [person, load]);
  const problem = error ? explainError(words, error, t("money.safe")) : null;
  if (!event) {
    return (
      <div className="narrow section">
        {problem ? (
          <Failure {...problem}>
            <Again onClick={load} />
          </Failure>
        ) : (
          <p className="quiet">{t("status.wait")}</p>
        )}
      </div>
    );
  }
  const mine = event.organiser_id === person?.id && (
    <>
      <Actions event={event} onChange={setEvent} />
      {event.status === "published" && <AttendeeList event={event} />}
    </>
  );
  return (
    <div className="narrow section">
      <p className="kicker">{t(`organiser.status.${event.status}`)}</p>
      <h1>{event.title}</h1>
      <p className="quiet">
        {event.starts_at && moment(event.starts_at, event.venue.timezone)} · {event.venue.name}, {event.venue.city}
      </p>
      {event.status === "published" ? <Live event={event}>{mine}</Live> : mine}
    </div>
  );
}

/** The numbers; what one can do; the numbers of each section. */
function Live({ event, children }: { event: Event; children: ReactNode }) {
  const { t, money, number } = useWords();
  const live = useIsLive();
  const places = usePlaces(event, null);
  useCounts(places);
  const waiting = useWaiting(event.id);
  const totals = places.totals();
  const taken = event.sections.reduce((sum, { id }) => sum + (places.counts.get(id)?.sold ?? 0) * (sectionPrice(event, id)?.amount ?? 0), 0);
  const currency = event.tiers[0]?.price.currency;
  const facts = [
    ["organiser.sold", number(totals.sold)],
    ["organiser.held", number(totals.held)],
    ["organiser.free", number(totals.free)],
    ["organiser.waiting", waiting === null ? "–" : number(waiting)],
    ["organiser.money", currency ? money({ amount: taken, currency }) : "–"],
  ] as const;
  return (
    <section aria-labelledby="live-title">
      <h2 id="live-title">
        {t("organiser.live")} <span className={live ? "live live-on" : "live"}>{t(live ? "event.live" : "event.notLive")}</span>
      </h2>
      <dl className="numbers">
        {facts.map(([key, value]) => (
          <div key={key}>
            <dt>{t(key)}</dt>
            <dd data-testid={key}>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="quiet small">{t("organiser.money.about")}</p>
      {children}
      <div className="scroll">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t("organiser.section")}</th>
              <th scope="col" className="many">
                {t("organiser.sold")}
              </th>
              <th scope="col" className="many">
                {t("organiser.held")}
              </th>
              <th scope="col" className="many">
                {t("organiser.free")}
              </th>
            </tr>
          </thead>
          <tbody>
            {event.sections.map((section) => {
              const counts = places.counts.get(section.id);
              return (
                <tr key={section.id}>
                  <th scope="row">{section.name}</th>
                  <td className="many">{counts ? number(counts.sold) : "–"}</td>
                  <td className="many">{counts ? number(counts.held) : "–"}</td>
                  <td className="many">{counts ? number(counts.free) : "–"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function useWaiting(eventId: string): number | null {
  const [waiting, setWaiting] = useState<number | null>(null);
  const room = `event:${eventId}`;
  const hear = useCallback(
    ({ type, room: from, data }: Heard) => {
      if (type !== "queue" || from !== room) return;
      const { now_serving: served, last_number: last } = data as { now_serving: number; last_number: number };
      setWaiting(Math.max(0, last - served));
    },
    [room],
  );
  useHeard(hear);
  useRoom(room);
  return waiting;
}

function Actions({ event, onChange }: { event: Event; onChange: (event: Event) => void }) {
  const words = useWords();
  const { t } = words;
  const router = useRouter();
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Explained | null>(null);
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setFailed(null);
    try {
      await work();
      setAsking(false);
    } catch (error) {
      setFailed(explainError(words, error, t(isUncertain(error) ? "organiser.unknown" : "organiser.unchanged")));
    }
    setBusy(false);
  };
  return (
    <section aria-label={t("organiser.actions")}>
      {failed && <Failure {...failed} />}
      <div className="actions">
        {event.status === "draft" && (
          <>
            <button type="button" className="button" disabled={busy} onClick={() => void attempt(async () => onChange(await call("post", "/api/v1/events/{id}/publish", { id: event.id })))}>
              {t("organiser.publish")}
            </button>
            <button
              type="button"
              className="button button-quiet"
              disabled={busy}
              onClick={() =>
                void attempt(async () => {
                  await call("delete", "/api/v1/events/{id}", { id: event.id });
                  router.push("/organiser");
                })
              }
            >
              {t("organiser.delete")}
            </button>
          </>
        )}
        {event.status === "published" && (
          <>
            <Link className="button button-quiet" href={`/events/${event.id}`}>
              {t("organiser.page")}
            </Link>
            {!asking && (
              <button type="button" className="button button-quiet" onClick={() => setAsking(true)}>
                {t("organiser.cancel")}
              </button>
            )}
          </>
        )}
      </div>
      {asking && (
        <div className="ask" role="group" aria-label={t("organiser.cancel")}>
          <p>{t("organiser.cancel.ask")}</p>
          <div className="field">
            <label htmlFor="reason">{t("organiser.cancel.reason")}</label>
            <input id="reason" value={reason} maxLength={500} onChange={(changed) => setReason(changed.target.value)} />
          </div>
          <div className="actions">
            <button type="button" className="button button-bad" disabled={busy} onClick={() => void attempt(async () => onChange(await call("post", "/api/v1/events/{id}/cancel", { id: event.id, body: { reason } })))}>
              {t("organiser.cancel.yes")}
            </button>
            <button type="button" className="button button-quiet" disabled={busy} onClick={() => setAsking(false)}>
              {t("organiser.cancel.no")}
            </button>
          </div>
        </div>
      )}
      {event.status === "cancelled" && (
        <Notice kind="info" title={t("event.cancelled.title")}>
          <p>{t("event.cancelled.money")}</p>
        </Notice>
      )}
    </section>
  );
}
