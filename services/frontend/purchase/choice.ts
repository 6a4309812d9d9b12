/** What somebody has chosen, kept in this browser until it is ordered: a reload or a sign-in loses nothing. */

import { useSyncExternalStore } from "react";

export interface Area {
  section_id: string;
  quantity: number;
}

export interface Choice {
  seats: string[];
  areas: Area[];
}

export const NOTHING: Choice = Object.freeze({ seats: [], areas: [] }) as Choice;

export function placesIn(choice: Choice): number {
  return choice.seats.length + choice.areas.reduce((sum, area) => sum + area.quantity, 0);
}

export function isSame(one: Choice, other: Choice): boolean {
  return JSON.stringify([one.seats, one.areas]) === JSON.stringify([other.seats, other.areas]);
}

export function withSeat(choice: Choice, id: string): Choice {
  return choice.seats.includes(id) ? choice : { ...choice, seats: [...choice.seats, id] };
}

export function withoutSeats(choice: Choice, ids: readonly string[]): Choice {
  return { ...choice, seats: choice.seats.filter((id) => !ids.includes(id)) };
}

/** That many places of a section, whoever they are; none takes it out. */
export function withArea(choice: Choice, section_id: string, quantity: number): Choice {
  const others = choice.areas.filter((area) => area.section_id !== section_id);
  return { ...choice, areas: quantity > 0 ? [...others, { section_id, quantity }] : others };
}

const PREFIX = "choice:";
const listeners = new Set<() => void>();
const read = new Map<string, Choice>();

export function choiceOf(eventId: string): Choice {
  const known = read.get(eventId);
  if (known) return known;
  const choice = parsed(load(PREFIX + eventId));
  read.set(eventId, choice);
  return choice;
}

export function keepChoice(eventId: string, choice: Choice): void {
  read.set(eventId, choice);
  store(PREFIX + eventId, placesIn(choice) ? JSON.stringify(choice) : null);
  for (const listener of listeners) listener();
}

/** The choice of an event, also when another tab changes it. */
export function useChoice(eventId: string): Choice {
  return useSyncExternalStore(subscribe, () => choiceOf(eventId), () => NOTHING);
}

function subscribe(listener: () => void): () => void {
  const elsewhere = (event: StorageEvent) => {
    if (event.key?.startsWith(PREFIX)) read.delete(event.key.slice(PREFIX.length));
    listener();
  };
  listeners.add(listener);
  addEventListener("storage", elsewhere);
  return () => {
    listeners.delete(listener);
    removeEventListener("storage", elsewhere);
  };
}

export function parsed(text: string | null): Choice {
  try {
    const found = JSON.parse(text ?? "null") as Partial<Choice> | null;
    const seats = Array.isArray(found?.seats) ? found.seats.filter((id) => typeof id === "string") : [];
    const areas = Array.isArray(found?.areas)
      ? found.areas.filter((area) => typeof area?.section_id === "string" && area.quantity > 0)
      : [];
    return seats.length || areas.length ? { seats, areas } : NOTHING;
  } catch {
    return NOTHING;
  }
}

/** Null too where the browser keeps nothing for us. */
export function load(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function store(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Private windows may keep nothing; then the choice lives as long as the page.
  }
}

/** What this browser keeps for us, by name. */
export function keptNames(): string[] {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}
