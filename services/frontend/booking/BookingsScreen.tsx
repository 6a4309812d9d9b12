"use client";

/** What one has booked: those decided from the desk, those in line from what this browser remembers. */

import Link from "next/link";
import { useCallback, useEffect, useState } from "react";

import { call } from "@/api/client";
import type { Booking } from "@/api/types";
import { Again } from "@/components/Again";
import { Failure } from "@/components/Failure";
import { Notice } from "@/components/Notice";
import { explainError } from "@/components/problem";
import { useSession, useWords } from "@/components/providers";
import { SignIn } from "@/components/SignIn";
import { placedOrders } from "@/purchase/order";

import { stepOf } from "./step";
import { useEvent } from "./useBooking";

/** Of the orders that this browser remembers, those this young are looked up one by one. */
const IN_LINE_MS = 3_600_000;
const MOST_LOOKED_UP = 5;

export function BookingsScreen() {
  const words = useWords();
  const { t } = words;
  const { person } = useSession();
  const [items, setItems] = useState<Booking[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(async (from: string) => {
    try {
      const page = await call("get", "/api/v1/bookings", { query: { limit: 20, cursor: from } });
      const waiting = from ? [] : await stillInLine(page.items);
      setItems((before) => [...(from ? (before ?? []) : waiting), ...page.items]);
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
      <h1>{t("nav.bookings")}</h1>
      {!person && (
        <div className="sheet">
          <p>{t("booking.who")}</p>
          <SignIn money={t("money.safe")} />
        </div>
      )}
      {problem && (
        <Failure {...problem}>
          <Again onClick={() => void load("")} />
        </Failure>
      )}
      {person && !items && !problem && <p className="quiet">{t("status.wait")}</p>}
      {items?.length === 0 && (
        <Notice kind="info" title={t("bookings.none")}>
          <p>
            <Link href="/">{t("bookings.none.next")}</Link>
          </p>
        </Notice>
      )}
      <ul className="rows">
        {items?.map((booking) => (
          <BookingRow key={booking.id} booking={booking} />
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

async function stillInLine(known: readonly Booking[]): Promise<Booking[]> {
  const ids = new Set(known.map((booking) => booking.id));
  const young = placedOrders().filter((order) => !ids.has(order.bookingId) && order.atMs > Date.now() - IN_LINE_MS);
  const looks = young.slice(0, MOST_LOOKED_UP).map((order) => call("get", "/api/v1/bookings/{id}", { id: order.bookingId }));
  const found = await Promise.allSettled(looks);
  return found.filter((one) => one.status === "fulfilled").map((one) => one.value);
}

function BookingRow({ booking }: { booking: Booking }) {
  const { t, money, moment } = useWords();
  const event = useEvent(booking.event_id);
  const labels = booking.places.map((place) => place.label);
  const good = booking.status === "confirmed";
  const bad = booking.status === "rejected";
  // Of what came to nothing its own page says what became of the money.
  const total = bad || booking.status === "cancelled" ? null : booking.total;
  return (
    <li>
      <Link href={`/bookings/${booking.id}`} className="row">
        <span className="row-main">
          <strong>{event?.title ?? "…"}</strong>
          <span className="quiet">{event?.starts_at && moment(event.starts_at, event.venue.timezone)}</span>
          <span className="quiet row-places">{labels.slice(0, 3).join(" · ")}{labels.length > 3 && ` +${labels.length - 3}`}</span>
        </span>
        <span className="row-side">
          <span className={`tag ${good ? "tag-good" : bad ? "tag-bad" : ""}`}>{t(`status.${stepOf(booking)}.short`)}</span>
          {total && <span>{money(total)}</span>}
        </span>
      </Link>
    </li>
  );
}
