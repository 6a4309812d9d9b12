import assert from "node:assert/strict";
import { test } from "node:test";

import type { Attendee } from "../api/types";
import { wordsOf } from "../messages";
import { messagesOf } from "../messages/all";
import { allAttendees, table } from "../organiser/attendees";

const en = wordsOf("en", messagesOf("en"));

function attendee(name: string, tickets = 1): Attendee {
  const place = { seat_id: "A-1-1", section_id: "A", label: 'Block "A", row 1, seat 1', price: { amount: 1250, currency: "EUR" } };
  const ids = Array.from({ length: tickets }, (_, at) => ({ id: `t${at}`, place }));
  return { booking_id: "b1", name, ordered_at: "2030-05-01T18:00:00Z", tickets: ids };
}

/** Pages as the gateway gives them, behind this app's server; the answers in between are given instead of a page. */
function gateway(pages: Attendee[][], between: Record<number, Response>): () => number {
  let asked = 0;
  globalThis.fetch = (input) => {
    const early = between[asked++];
    if (early) return Promise.resolve(early);
    const at = Number(new URL(String(input), "http://app").searchParams.get("cursor") ?? 0);
    return Promise.resolve(Response.json({ items: pages[at], next_cursor: at + 1 < pages.length ? String(at + 1) : null }));
  };
  return () => asked;
}

test("the table has a line for each ticket, quoted", () => {
  const lines = table([attendee("Ada", 2)], en, "Europe/Berlin").split("\r\n");

  assert.equal(lines.length, 4);
  assert.equal(lines[0], '"Name","Place","Price","Ticket","Booking","Ordered"');
  assert.equal(lines[1], '"Ada","Block ""A"", row 1, seat 1","€12.50","t0","b1","Wed, 1 May 2030, 20:00"');
  assert.equal(lines[3], "");
});

test("a name that a spreadsheet would run is text in the table", () => {
  for (const name of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"]) assert.ok(table([attendee(name)], en, "UTC").includes(`"'${name}"`), name);
  assert.ok(table([attendee('a"b\r\nc')], en, "UTC").includes('"a""b\r\nc"'));
});

test("German spreadsheets find the columns", () => {
  assert.match(table([attendee("Ada")], wordsOf("de", messagesOf("de")), "UTC"), /^"Name";"Platz";/);
});

test("all pages are read, also when one of them was asked for too early", async () => {
  const heard: number[] = [];
  const early = Response.json({ reason: "too-many-requests", status: 429, retry_after_s: 0.01 }, { status: 429 });
  const asked = gateway([[attendee("Ada")], [attendee("Grace"), attendee("Joan")]], { 1: early });

  const all = await allAttendees("e1", (count) => heard.push(count));

  assert.deepEqual(all.map((one) => one.name), ["Ada", "Grace", "Joan"]);
  assert.deepEqual(heard, [1, 3]);
  assert.equal(asked(), 3);
});

test("what is not one's own is not asked for again and again", async () => {
  const missing = Response.json({ reason: "unknown-event", status: 404 }, { status: 404 });
  const asked = gateway([], { 0: missing });

  await assert.rejects(allAttendees("e1", () => undefined), { name: "Refused" });
  assert.equal(asked(), 1);
});
