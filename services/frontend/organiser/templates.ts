/** Houses to begin with, and what becomes of them when the organiser is done. */

import type { EventDraft } from "@/api/types";

/** A line of the editor: a section with equal rows, or one where people stand. */
export interface SectionLine {
  key: number;
  name: string;
  kind: "seated" | "standing";
  rows: number;
  seats: number;
  capacity: number;
  tier: number;
}

export interface TierLine {
  key: number;
  name: string;
  /** As typed, in major units. */
  price: string;
}

export interface Template {
  sections: SectionLine[];
  tiers: TierLine[];
}

export type TemplateName = "club" | "theatre" | "arena";
export const TEMPLATES: readonly TemplateName[] = ["club", "theatre", "arena"];

let keys = 0;
export const newKey = (): number => ++keys;

const seated = (name: string, rows: number, seats: number, tier: number): SectionLine => {
  return { key: newKey(), name, kind: "seated", rows, seats, capacity: 0, tier };
};
const standing = (name: string, capacity: number, tier: number): SectionLine => {
  return { key: newKey(), name, kind: "standing", rows: 0, seats: 0, capacity, tier };
};
const tier = (name: string, price: string): TierLine => ({ key: newKey(), name, price });

export function template(name: TemplateName): Template {
  if (name === "club") return { sections: [standing("Floor", 400, 0), seated("Balcony", 4, 20, 1)], tiers: [tier("Floor", "25"), tier("Balcony", "35")] };
  if (name === "theatre") {
    const sections = [seated("Stalls left", 10, 12, 0), seated("Stalls right", 10, 12, 0), seated("Circle left", 6, 14, 1), seated("Circle right", 6, 14, 1)];
    return { sections, tiers: [tier("Stalls", "59"), tier("Circle", "39")] };
  }
  const blocks = Array.from({ length: 20 }, (_, at) => seated(`Block ${at + 1}`, 20, 20, at < 4 ? 0 : at < 12 ? 1 : 2));
  return { sections: blocks, tiers: [tier("Gold", "129"), tier("Silver", "89"), tier("Bronze", "49")] };
}

/** The API's sections: ids are made from the order, since a seat's id may hold no spaces. */
export function sectionsOf(lines: readonly SectionLine[]): EventDraft["sections"] {
  return lines.map((line, at) => ({
    id: `S${at + 1}`,
    name: line.name.trim(),
    kind: line.kind,
    rows: line.kind === "seated" ? Array.from({ length: line.rows }, (_, row) => ({ label: String(row + 1), seats: line.seats })) : [],
    capacity: line.kind === "standing" ? line.capacity : 0,
    tier_id: `T${line.tier + 1}`,
  }));
}

export function tiersOf(lines: readonly TierLine[], currency: string): EventDraft["tiers"] {
  return lines.map((line, at) => ({
    id: `T${at + 1}`,
    name: line.name.trim(),
    price: { amount: minorUnits(line.price, currency) ?? 0, currency },
  }));
}

/** `12.50` EUR is 1250, `1250` JPY is 1250; null for what is no amount of that currency. */
export function minorUnits(text: string, currency: string): number | null {
  const digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
  const found = /^(\d{1,10})(?:[.,](\d+))?$/.exec(text.trim());
  const fraction = found?.[2] ?? "";
  if (!found || fraction.length > digits) return null;
  return Number(found[1]) * 10 ** digits + Number(fraction.padEnd(digits, "0") || 0);
}

export function placesOf(lines: readonly SectionLine[]): number {
  return lines.reduce((sum, line) => sum + (line.kind === "seated" ? line.rows * line.seats : line.capacity), 0);
}
