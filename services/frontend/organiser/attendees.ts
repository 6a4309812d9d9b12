/** The list of those who come: read page by page, written as a table that spreadsheets open. */

import { call, Refused, Unreachable } from "@/api/client";
import type { Attendee, Attendees } from "@/api/types";
import type { Words } from "@/messages";

const A_PAGE = 100;
const TRIES = 4;
const PAUSE_MS = 1500;

/** All of them, in the order they ordered; `heard` is told how many are there already. Raises Refused or Unreachable. */
export async function allAttendees(eventId: string, heard: (count: number) => void): Promise<Attendee[]> {
  const all: Attendee[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Attendees = await patiently(eventId, cursor);
    all.push(...page.items);
    heard(all.length);
    cursor = page.next_cursor;
  }
  return all;
}

/** A list of a hundred pages is not given up because one of them did not come, or came too soon after another. */
async function patiently(id: string, cursor: string): Promise<Attendees> {
  for (let tried = 1; ; tried++) {
    try {
      return await call("get", "/api/v1/events/{id}/attendees", { id, query: { limit: A_PAGE, cursor } });
    } catch (error) {
      const passes = error instanceof Unreachable || (error instanceof Refused && error.mayPass);
      if (!passes || tried >= TRIES) throw error;
      const waitMs = error instanceof Refused && error.problem.retry_after_s ? error.problem.retry_after_s * 1000 : PAUSE_MS * tried;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

/** A line for each ticket. In the languages that write 12,50 spreadsheets expect semicolons. */
export function table(attendees: readonly Attendee[], words: Words, timeZone: string): string {
  const { t, money, moment, locale } = words;
  const head = [t("attendees.name"), t("attendees.place"), t("attendees.price"), t("attendees.ticket"), t("attendees.booking"), t("attendees.ordered")];
  const lines = attendees.flatMap(({ name, booking_id, ordered_at, tickets }) =>
    tickets.map(({ id, place }) => [name, place.label, money(place.price), id, booking_id, moment(ordered_at, timeZone)]),
  );
  const separator = locale === "de" ? ";" : ",";
  return [head, ...lines].map((line) => line.map(cell).join(separator) + "\r\n").join("");
}

/** Quoted; and what a spreadsheet would take for a formula is text to it: people choose their names themselves. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
