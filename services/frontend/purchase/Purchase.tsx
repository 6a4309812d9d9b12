"use client";

/** The event page's working half: the places, and what was chosen of them. */

import { useCallback, useEffect, useMemo, useState } from "react";

import type { Event } from "@/api/types";
import { Notice } from "@/components/Notice";
import { useIsLive, useWords } from "@/components/providers";
import { useCounts, usePlaces } from "@/live/seats";
import { seatIndex, seatName } from "@/seatmap/layout";
import { FREE, type Places } from "@/seatmap/places";
import { SeatList } from "@/seatmap/SeatList";
import { SeatMap, stateWord } from "@/seatmap/SeatMap";
import type { Snapshot } from "@/seatmap/snapshot";

import { BestAvailable } from "./BestAvailable";
import { choiceOf, keepChoice, placesIn, useChoice, withoutSeats, withSeat, type Choice } from "./choice";
import { useSecondsUntil } from "./clock";
import { Legend } from "./Legend";
import { Panel } from "./Panel";

interface Props {
  event: Event;
  first: Snapshot | null;
}

export function Purchase({ event, first }: Props) {
  const words = useWords();
  const { t, moment, money } = words;
  const places = usePlaces(event, first);
  useCounts(places);
  const live = useIsLive();
  const choice = useChoice(event.id);
  const [tier, setTier] = useState<number | null>(null);
  const [asList, setAsList] = useState(false);
  const opensInS = useSecondsUntil(event.sale_starts_at);
  const lost = useLostSeats(event.id, places, choice);
  const { chosen, toggle, tooMany } = useToggle(event, places, choice);
  const price = (at: number) => (event.tiers[at] ? money(event.tiers[at].price) : "");
  const describe = (seat: number) => {
    const name = seatName(places.layout, seat);
    if (!name) return "";
    const { section, row, number } = name;
    const state = chosen.has(seat) ? t("state.chosen") : t(`state.${stateWord(places, seat)}`);
    const text = t("place.seat", { section: section.name, row: row.label, seat: number });
    return `${text} · ${price(section.tier)} · ${state}`;
  };
  const hasSeats = places.layout.count > 0;
  return (
    <div className="purchase">
      <section className="purchase-map" aria-labelledby="places-title">
        <div className="purchase-top">
          <h2 id="places-title">{t(hasSeats ? "event.choose" : "event.places")}</h2>
          <p className={live ? "live live-on" : "live"} data-testid="live">
            {t(live ? "event.live" : "event.notLive")}
          </p>
          {hasSeats && (
            <div className="switch" role="group" aria-label={t("event.view")}>
              <button type="button" aria-pressed={!asList} onClick={() => setAsList(false)}>
                {t("event.map")}
              </button>
              <button type="button" aria-pressed={asList} onClick={() => setAsList(true)}>
                {t("event.list")}
              </button>
            </div>
          )}
        </div>
        <Legend event={event} places={places} tier={tier} onTier={setTier} />
        {asList ? (
          <SeatList places={places} chosen={chosen} price={price} onToggle={toggle} />
        ) : (
          <SeatMap places={places} chosen={chosen} tier={tier} onToggle={toggle} describe={describe} />
        )}
      </section>
      <aside className="purchase-panel" aria-label={t("choice.title")}>
        {opensInS > 0 && event.sale_starts_at && (
          <Notice kind="info" title={t("event.opens", { when: moment(event.sale_starts_at, event.venue.timezone) })}>
            <p>{t("event.opens.next")}</p>
          </Notice>
        )}
        {lost.length > 0 && (
          <Notice kind="warning" title={t("choice.lost", { seats: lost.join(", "), count: lost.length })} urgent>
            <p>{t("choice.lost.next")}</p>
          </Notice>
        )}
        {tooMany && (
          <Notice kind="warning" title={t("choice.most", { count: event.max_per_booking })} urgent>
            <p>{t("choice.most.next")}</p>
          </Notice>
        )}
        <BestAvailable event={event} places={places} choice={choice} />
        <Panel event={event} choice={choice} blocked={opensInS > 0} />
      </aside>
    </div>
  );
}

/** Takes out of the choice what somebody else has taken meanwhile; says what that was, until the next change. */
function useLostSeats(eventId: string, places: Places, choice: Choice): string[] {
  const [lost, setLost] = useState<string[]>([]);
  useEffect(() => {
    const check = () => {
      if (places.version < 0) return;
      const now = choiceOf(eventId);
      const gone = now.seats.filter((id) => {
        const seat = seatIndex(places.layout, id);
        return seat === null || places.states[seat] !== FREE;
      });
      if (!gone.length) return;
      keepChoice(eventId, withoutSeats(now, gone));
      setLost(gone.map((id) => spoken(places, id)));
    };
    check();
    return places.subscribe(check);
  }, [eventId, places]);
  // What was lost is news until something else is chosen.
  const [count, setCount] = useState(choice.seats.length);
  if (choice.seats.length !== count) {
    setCount(choice.seats.length);
    if (choice.seats.length > count) setLost([]);
  }
  return lost;
}

function spoken(places: Places, id: string): string {
  const seat = seatIndex(places.layout, id);
  const name = seat === null ? null : seatName(places.layout, seat);
  return name ? `${name.section.name} · ${name.row.label}–${name.number}` : id;
}

function useToggle(event: Event, places: Places, choice: Choice) {
  const [tooMany, setTooMany] = useState(false);
  const chosen = useMemo(() => {
    const indices = choice.seats.map((id) => seatIndex(places.layout, id)).filter((seat) => seat !== null);
    return new Set(indices);
  }, [choice.seats, places]);
  const toggle = useCallback(
    (seat: number) => {
      const id = seatName(places.layout, seat)?.id;
      if (!id) return;
      const now = choiceOf(event.id);
      setTooMany(false);
      if (now.seats.includes(id)) keepChoice(event.id, withoutSeats(now, [id]));
      else if (places.states[seat] !== FREE) return;
      else if (placesIn(now) >= event.max_per_booking) setTooMany(true);
      else keepChoice(event.id, withSeat(now, id));
    },
    [event.id, event.max_per_booking, places],
  );
  return { chosen, toggle, tooMany };
}
