/** Places of events for a crowd: whoever asks within half a second shares one look at the gateway. */

import type { Seats } from "@/api/types";
import { compact, type Snapshot } from "@/seatmap/snapshot";

import { callGateway } from "./gateway";

const FRESH_MS = 500;
const REMEMBERED = 64;

interface Known {
  etag: string;
  snapshot: Snapshot;
}
interface Look {
  until: number;
  answer: Promise<Snapshot | Response>;
}

const state = ((globalThis as { ticketingSeats?: { known: Map<string, Known>; looks: Map<string, Look> } })
  .ticketingSeats ??= { known: new Map(), looks: new Map() });

/** The newest snapshot, at most a second old; the gateway's problem when there is none. */
export function seatsOf(eventId: string): Promise<Snapshot | Response> {
  const look = state.looks.get(eventId);
  if (look && look.until > Date.now()) return look.answer;
  const answer = ask(eventId);
  // While it is under way everybody waits for it; what failed is asked again by the next one.
  const entry: Look = { until: Infinity, answer };
  remember(state.looks, eventId, entry);
  void answer.then((result) => {
    entry.until = result instanceof Response ? 0 : Date.now() + FRESH_MS;
  });
  return answer.then((result) => (result instanceof Response ? result.clone() : result));
}

async function ask(eventId: string): Promise<Snapshot | Response> {
  const known = state.known.get(eventId);
  const headers: Record<string, string> = known ? { "If-None-Match": known.etag } : {};
  const answer = await callGateway(`/api/v1/events/${encodeURIComponent(eventId)}/seats`, { headers });
  if (answer.status === 304 && known) return known.snapshot;
  if (!answer.ok) return answer;
  const snapshot = compact((await answer.json()) as Seats);
  remember(state.known, eventId, { etag: answer.headers.get("etag") ?? "", snapshot });
  return snapshot;
}

/** Bounded: what was not asked for longest goes first. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= REMEMBERED) return;
    map.delete(oldest);
  }
}
