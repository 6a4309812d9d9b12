/** Keeps the places of an event up to date: deltas from the socket, a snapshot whenever something was missed. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import type { Event } from "@/api/types";
import { useHeard, useRoom } from "@/components/providers";
import { layoutOf } from "@/seatmap/layout";
import { Places, type Delta } from "@/seatmap/places";
import type { Snapshot } from "@/seatmap/snapshot";

import type { Heard } from "./socket";

/** A crowd that missed the same message does not ask in the same moment. */
const SPREAD_MS = 1000;
const RETRY_MS = 2500;
/** Without a socket, and as a guard against a silent one. */
const LOOK_AGAIN_MS = 15_000;

export function usePlaces(event: Event, first: Snapshot | null): Places {
  const places = useMemo(() => {
    const layout = layoutOf(event.sections, event.tiers.map((tier) => tier.id));
    const made = new Places(layout);
    if (first) made.take(first);
    return made;
    // The layout of an event that is on sale never changes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [event.id]);
  const resync = useResync(event.id, places);
  const room = `event:${event.id}`;
  const hear = useCallback(
    (message: Heard) => {
      if (message.type === "ready") resync(0);
      if (message.type !== "seats" || message.room !== room) return;
      if (!places.apply(message.data as Delta)) resync(SPREAD_MS);
    },
    [places, resync, room],
  );
  useHeard(hear);
  useRoom(room);
  useEffect(() => {
    if (places.version < 0) resync(0);
    const look = setInterval(() => {
      if (document.visibilityState === "visible") resync(SPREAD_MS);
    }, LOOK_AGAIN_MS);
    return () => clearInterval(look);
  }, [places, resync]);
  return places;
}

function useResync(eventId: string, places: Places): (spreadMs: number) => void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return useCallback(
    (spreadMs: number) => {
      const look = async () => {
        try {
          const answer = await fetch(`/api/events/${eventId}/seats`, { signal: AbortSignal.timeout(10_000) });
          if (!answer.ok) throw new Error(String(answer.status));
          places.take((await answer.json()) as Snapshot);
          timer.current = undefined;
        } catch {
          timer.current = setTimeout(() => void look(), RETRY_MS * (0.5 + Math.random()));
        }
      };
      if (timer.current === undefined) timer.current = setTimeout(() => void look(), spreadMs * Math.random());
    },
    [eventId, places],
  );
}

/** Renders again when places change, but not more often than a person can read. */
export function useCounts(places: Places): number {
  const [seen, setSeen] = useState(places.revision);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = places.subscribe(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setSeen(places.revision);
      }, 250);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [places]);
  return seen;
}
