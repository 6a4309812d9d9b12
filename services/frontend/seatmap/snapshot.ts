/** An event's places as the map needs them: one character a seat instead of one object. */

import type { Seats } from "@/api/types";

export type SeatState = "f" | "h" | "s";

export interface SectionSnapshot {
  id: string;
  free: number;
  held: number;
  sold: number;
  /** Row label and its seats, seat 1 first: `f`ree, `h`eld, `s`old. Empty where people stand. */
  rows: [string, string][];
}

export interface Snapshot {
  version: number;
  sections: SectionSnapshot[];
}

const LETTER: Record<string, SeatState> = { free: "f", held: "h", sold: "s" };

/** Seats of a row come in the order of their numbers, without gaps; rows as they stand in the house. */
export function compact(seats: Seats): Snapshot {
  return { version: seats.version, sections: seats.sections.map(compactSection) };
}

function compactSection(section: Seats["sections"][number]): SectionSnapshot {
  const rows: [string, string][] = [];
  for (const seat of section.seats) {
    const last = rows.at(-1);
    const letter = LETTER[seat.state] ?? "s";
    if (last?.[0] === seat.row) last[1] += letter;
    else rows.push([seat.row, letter]);
  }
  const { id, free, held, sold } = section;
  return { id, free, held, sold, rows };
}
