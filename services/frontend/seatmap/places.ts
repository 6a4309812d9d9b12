/** The places of an event as they are now: a snapshot, and every change after it. */

import { seatIndex, type Layout } from "./layout";
import type { Snapshot } from "./snapshot";

export const FREE = 0;
export const HELD = 1;
export const SOLD = 2;
const STATE: Record<string, number> = { f: FREE, h: HELD, s: SOLD };

export interface Counts {
  free: number;
  held: number;
  sold: number;
}

/** What changed after version `since`, up to and with `version`. */
export interface Delta {
  since: number;
  version: number;
  seats: { id: string; state: string }[];
  sections: ({ id: string } & Counts)[];
}

export class Places {
  readonly states: Uint8Array;
  readonly counts = new Map<string, Counts>();
  version = -1;
  #listeners = new Set<(changed: readonly number[] | null) => void>();
  #revision = 0;

  constructor(readonly layout: Layout) {
    this.states = new Uint8Array(layout.count);
  }

  /** Grows with everything that is heard; for React. */
  get revision(): number {
    return this.#revision;
  }

  /** Told which seats changed; null: all may have. */
  subscribe(listener: (changed: readonly number[] | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Everything anew. One that is older than what we know changes nothing. */
  take(snapshot: Snapshot): void {
    if (snapshot.version < this.version) return;
    this.version = snapshot.version;
    for (const section of snapshot.sections) {
      this.counts.set(section.id, { free: section.free, held: section.held, sold: section.sold });
      for (const [label, letters] of section.rows) {
        const first = seatIndex(this.layout, `${section.id}-${label}-1`);
        if (first === null) continue;
        for (let at = 0; at < letters.length; at++) this.states[first + at] = STATE[letters[at] ?? ""] ?? SOLD;
      }
    }
    this.#tell(null);
  }

  /** False: something between what we know and this change was missed; ask for a snapshot. */
  apply(delta: Delta): boolean {
    if (delta.version <= this.version) return true;
    if (this.version < 0 || delta.since > this.version) return false;
    this.version = delta.version;
    const changed: number[] = [];
    for (const { id, state } of delta.seats) {
      const seat = seatIndex(this.layout, id);
      if (seat === null) continue;
      this.states[seat] = STATE[state] ?? SOLD;
      changed.push(seat);
    }
    for (const { id, free, held, sold } of delta.sections) this.counts.set(id, { free, held, sold });
    this.#tell(changed);
    return true;
  }

  free(sectionId: string): number {
    return this.counts.get(sectionId)?.free ?? 0;
  }

  totals(): Counts {
    const total = { free: 0, held: 0, sold: 0 };
    for (const one of this.counts.values()) {
      total.free += one.free;
      total.held += one.held;
      total.sold += one.sold;
    }
    return total;
  }

  #tell(changed: readonly number[] | null): void {
    this.#revision++;
    for (const listener of this.#listeners) listener(changed);
  }
}
