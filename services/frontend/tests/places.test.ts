import assert from "node:assert/strict";
import { test } from "node:test";

import type { Section, Seats } from "../api/types";
import { layoutOf } from "../seatmap/layout";
import { FREE, HELD, Places, SOLD, type Delta } from "../seatmap/places";
import { compact } from "../seatmap/snapshot";

const SECTION: Section = { id: "A", name: "A", kind: "seated", rows: [{ label: "1", seats: 4 }], capacity: 4, tier_id: "t" };
const made = () => new Places(layoutOf([SECTION], ["t"]));
const snapshot = (version: number, letters: string) => {
  return { version, sections: [{ id: "A", free: 0, held: 0, sold: 0, rows: [["1", letters] as [string, string]] }] };
};
const delta = (since: number, version: number, seats: Record<string, string>): Delta => {
  return { since, version, seats: Object.entries(seats).map(([id, state]) => ({ id, state })), sections: [] };
};

test("a snapshot and the changes after it", () => {
  const places = made();
  places.take(snapshot(5, "ffhs"));

  assert.equal(places.apply(delta(5, 6, { "A-1-1": "h" })), true);

  assert.deepEqual([...places.states], [HELD, FREE, HELD, SOLD]);
  assert.equal(places.version, 6);
});

test("changes that overlap what is known are taken, older ones are not", () => {
  const places = made();
  places.take(snapshot(5, "ffff"));

  assert.equal(places.apply(delta(3, 6, { "A-1-1": "s" })), true);
  assert.equal(places.apply(delta(4, 5, { "A-1-1": "f" })), true);

  assert.equal(places.states[0], SOLD);
  assert.equal(places.version, 6);
});

test("a gap changes nothing and is told", () => {
  const places = made();
  places.take(snapshot(5, "ffff"));

  assert.equal(places.apply(delta(6, 7, { "A-1-1": "s" })), false);

  assert.equal(places.states[0], FREE);
  assert.equal(places.version, 5);
});

test("before the first snapshot every change is a gap", () => {
  assert.equal(made().apply(delta(0, 1, { "A-1-1": "s" })), false);
});

test("an older snapshot does not turn back the clock", () => {
  const places = made();
  places.take(snapshot(5, "sfff"));
  places.take(snapshot(4, "ffff"));

  assert.equal(places.states[0], SOLD);
});

test("listeners hear which seats changed", () => {
  const places = made();
  places.take(snapshot(1, "ffff"));
  const heard: (readonly number[] | null)[] = [];
  const stop = places.subscribe((changed) => heard.push(changed));

  places.apply(delta(1, 2, { "A-1-2": "h", "Z-9-9": "h" }));
  places.take(snapshot(3, "ffff"));
  stop();
  places.take(snapshot(4, "ffff"));

  assert.deepEqual(heard, [[1], null]);
});

test("the API's snapshot becomes a letter a seat", () => {
  const seat = (row: string, number: number, state: "free" | "held" | "sold") => ({ id: `A-${row}-${number}`, row, number, state });
  const seats: Seats = {
    event_id: "e",
    version: 9,
    sections: [
      {
        id: "A",
        name: "A",
        kind: "seated",
        tier_id: "t",
        capacity: 3,
        free: 1,
        held: 1,
        sold: 1,
        seats: [seat("1", 1, "free"), seat("1", 2, "sold"), seat("2", 1, "held")],
      },
    ],
  };

  assert.deepEqual(compact(seats), {
    version: 9,
    sections: [{ id: "A", free: 1, held: 1, sold: 1, rows: [["1", "fs"], ["2", "h"]] }],
  });
});
