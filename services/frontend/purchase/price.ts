/** What a choice costs, and what a person calls it. The gateway decides the price; this shows it beforehand. */

import type { Event, Money } from "@/api/types";
import type { Words } from "@/messages";

import type { Choice } from "./choice";

type Sold = Pick<Event, "sections" | "tiers">;

export function sectionPrice(event: Sold, sectionId: string): Money | null {
  const section = event.sections.find((one) => one.id === sectionId);
  return event.tiers.find((tier) => tier.id === section?.tier_id)?.price ?? null;
}

export function totalOf(event: Sold, choice: Choice): Money | null {
  let total: Money | null = null;
  const add = (price: Money | null, many: number) => {
    if (price) total = { currency: price.currency, amount: ((total as Money | null)?.amount ?? 0) + price.amount * many };
  };
  for (const seat of choice.seats) add(sectionPrice(event, seat.split("-")[0] ?? ""), 1);
  for (const area of choice.areas) add(sectionPrice(event, area.section_id), area.quantity);
  return total;
}

export interface Line {
  key: string;
  text: string;
  price: Money | null;
  many: number;
}

/** One line a seat, one a section taken by number. */
export function linesOf(event: Sold, choice: Choice, { t }: Words): Line[] {
  const name = (id: string) => event.sections.find((section) => section.id === id)?.name ?? id;
  const seats = choice.seats.map((id) => {
    const [section = "", row = "", seat = ""] = id.split("-");
    return { key: id, text: t("place.seat", { section: name(section), row, seat }), price: sectionPrice(event, section), many: 1 };
  });
  const areas = choice.areas.map(({ section_id: id, quantity }) => {
    const standing = event.sections.find((section) => section.id === id)?.kind === "standing";
    const text = t(standing ? "place.standing" : "place.best", { section: name(id), count: quantity });
    return { key: `area:${id}`, text, price: sectionPrice(event, id), many: quantity };
  });
  return [...seats, ...areas];
}
