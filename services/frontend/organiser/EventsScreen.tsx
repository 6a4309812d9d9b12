"use client";

import Link from "next/link";
import { useCallback, useEffect, useState } from "react";

import { call } from "@/api/client";
import type { EventSummary } from "@/api/types";
import { Again } from "@/components/Again";
import { Failure } from "@/components/Failure";
import { explainError } from "@/components/problem";
import { useSession, useWords } from "@/components/providers";

import { Gate } from "./Gate";

export function EventsScreen() {
  return (
    <Gate role="organiser">
      <MyEvents />
    </Gate>
  );
}

function MyEvents() {
  const words = useWords();
  const { t, moment, number } = words;
  const { person } = useSession();
  const [items, setItems] = useState<EventSummary[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(async (from: string) => {
    try {
      const page = await call("get", "/api/v1/events", { query: { mine: true, limit: 50, cursor: from } });
      setItems((before) => [...(from ? (before ?? []) : []), ...page.items]);
      setCursor(page.next_cursor);
      setError(null);
    } catch (failed) {
      setError(failed);
    }
  }, []);
  useEffect(() => {
    if (person) void load("");
  }, [person, load]);
  const problem = error ? explainError(words, error, t("money.safe")) : null;
  return (
    <div className="narrow section">
      <h1>{t("nav.organiser")}</h1>
      <p>
        <Link className="button" href="/organiser/new">
          {t("organiser.new")}
        </Link>
      </p>
      {problem && (
        <Failure {...problem}>
          <Again onClick={() => void load("")} />
        </Failure>
      )}
      {items?.length === 0 && <p className="quiet">{t("organiser.none")}</p>}
      <ul className="rows">
        {items?.map((event) => (
          <li key={event.id}>
            <Link className="row" href={`/organiser/events/${event.id}`}>
              <span className="row-main">
                <strong>{event.title}</strong>
                <span className="quiet">
                  {event.starts_at && moment(event.starts_at, event.venue.timezone)} · {event.venue.name}, {event.venue.city}
                </span>
              </span>
              <span className="row-side">
                <span className={`tag ${event.status === "published" ? "tag-good" : event.status === "cancelled" ? "tag-bad" : ""}`}>
                  {t(`organiser.status.${event.status}`)}
                </span>
                <span className="quiet">{t("organiser.capacity", { count: number(event.capacity) })}</span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {cursor && (
        <button type="button" className="button button-quiet" onClick={() => void load(cursor)}>
          {t("find.more")}
        </button>
      )}
    </div>
  );
}
