import assert from "node:assert/strict";
import { test } from "node:test";

import type { Section } from "../api/types";
import { hitAt, layoutOf, neighbour, seatIndex, seatName } from "../seatmap/layout";

function seated(id: string, rows: number, seats: number): Section {
  const lines = Array.from({ length: rows }, (_, at) => ({ label: String(at + 1), seats }));
  return { id, name: `Block ${id}`, kind: "seated", rows: lines, capacity: rows * seats, tier_id: "t" };
}
const ARENA = Array.from({ length: 20 }, (_, at) => seated(`S${at + 1}`, 20, 20));

test("every seat of an arena has a place of its own, and is hit there", () => {
  const layout = layoutOf(ARENA, ["t"]);
  const seen = new Set<string>();

  for (let seat = 0; seat < layout.count; seat++) {
    const [x, y] = [layout.xs[seat] ?? NaN, layout.ys[seat] ?? NaN];
    seen.add(`${x.toFixed(2)} ${y.toFixed(2)}`);
    assert.equal(hitAt(layout, x, y)?.seat, seat);
  }

  assert.equal(layout.count, 8000);
  assert.equal(seen.size, 8000);
});

test("sections of one ring do not overlap", () => {
  const { sections } = layoutOf(ARENA, ["t"]);

  for (const one of sections) {
    for (const other of sections) {
      if (one === other || one.inner !== other.inner) continue;
      assert.ok(Math.abs(one.middle - other.middle) >= one.half + other.half);
    }
  }
});

test("no section stands alone at the back of a full house", () => {
  const { sections } = layoutOf(ARENA, ["t"]);
  const back = Math.max(...sections.map((section) => section.inner));

  assert.ok(sections.filter((section) => section.inner === back).length > 1);
});

test("a seat's id and index are each other's", () => {
  const layout = layoutOf([seated("A", 2, 3), seated("B", 1, 4)], ["t"]);

  for (let seat = 0; seat < layout.count; seat++) assert.equal(seatIndex(layout, seatName(layout, seat)?.id ?? ""), seat);
  for (const id of ["A-1-0", "A-1-4", "A-3-1", "C-1-1", "A-1", "", "A-1-1.5", "<script>"]) assert.equal(seatIndex(layout, id), null);
});

test("arrow keys reach neighbours, rows behind, and sections beyond the aisle", () => {
  const layout = layoutOf([seated("A", 2, 3), seated("B", 2, 3)], ["t"]);
  const at = (id: string) => seatIndex(layout, id) ?? -1;
  const id = (seat: number) => seatName(layout, seat)?.id;

  assert.equal(id(neighbour(layout, at("A-1-1"), "right")), "A-1-2");
  assert.equal(id(neighbour(layout, at("A-1-2"), "down")), "A-2-2");
  assert.equal(id(neighbour(layout, at("A-2-2"), "up")), "A-1-2");
  assert.equal(id(neighbour(layout, at("A-1-3"), "right")), "B-1-1");
  assert.equal(id(neighbour(layout, at("B-1-1"), "left")), "A-1-3");
});

test("standing room, one section, and no section at all have a layout too", () => {
  const floor: Section = { id: "F", name: "Floor", kind: "standing", rows: [], capacity: 500, tier_id: "none" };

  const layout = layoutOf([floor], ["t"]);
  const section = layout.sections[0];

  assert.ok(section);
  const radius = (section.inner + section.outer) / 2;
  assert.deepEqual(hitAt(layout, radius * Math.sin(section.middle), radius * Math.cos(section.middle)), { section: 0, seat: null });
  assert.equal(layoutOf([], []).count, 0);
});
