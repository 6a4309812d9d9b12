/** Where everything is: sections as parts of rings around a stage, seats on arcs within them. Units: one seat's width. */

import type { Section } from "@/api/types";

/** Of the fan that faces the stage. */
const SPAN = 2.5;
const AISLE = 2.4;
const ROW_PITCH = 1.16;
const RING_GAP = 3;
const SMALLEST_RADIUS = 13;
/** Sections that the first ring should hold, where there are that many. */
const FIRST_RING = 4;

export interface Row {
  label: string;
  count: number;
  /** Index of its seat 1 among all seats. */
  first: number;
}

export interface SectionShape {
  id: string;
  name: string;
  kind: "seated" | "standing";
  tier: number;
  capacity: number;
  inner: number;
  outer: number;
  /** Its middle, as an angle from straight away from the stage. */
  middle: number;
  half: number;
  step: number;
  rows: Row[];
  first: number;
  count: number;
}

export interface Layout {
  sections: SectionShape[];
  count: number;
  xs: Float32Array;
  ys: Float32Array;
  /** Index of the section each seat is in. */
  sectionOf: Uint16Array;
  left: number;
  top: number;
  right: number;
  bottom: number;
  stage: number;
}

interface Measured {
  section: Section;
  width: number;
  depth: number;
}

export function layoutOf(sections: readonly Section[], tierIds: readonly string[]): Layout {
  const measured = sections.map(measure);
  let radius = firstRadius(measured);
  const stage = radius - RING_GAP;
  const shapes: SectionShape[] = [];
  let first = 0;
  for (let next = 0; next < measured.length; ) {
    const ring = takeRing(measured, next, radius);
    next += ring.length;
    let angle = -ring.reduce((sum, one) => sum + one.width, 0) / radius / 2;
    for (const one of ring) {
      const shape = shapeOf(one, radius, angle, first, tierIds);
      shapes.push(shape);
      first += shape.count;
      angle += one.width / radius;
    }
    radius += Math.max(...ring.map((one) => one.depth)) + RING_GAP;
  }
  return place(shapes, first, stage);
}

function measure(section: Section): Measured {
  if (section.kind === "standing") {
    const side = Math.sqrt(section.capacity);
    return { section, width: clamp(side * 1.7, 9, 60) + AISLE, depth: clamp(side * 0.8, 5, 24) };
  }
  const width = Math.max(1, ...section.rows.map((row) => row.seats));
  return { section, width: width + AISLE, depth: Math.max(1, section.rows.length) * ROW_PITCH };
}

/** The smallest that holds a good first ring, or one a little larger that leaves no section alone at the back. */
function firstRadius(measured: readonly Measured[]): number {
  const width = measured.slice(0, FIRST_RING).reduce((sum, one) => sum + one.width, 0);
  const least = Math.max(SMALLEST_RADIUS, width / SPAN);
  let best = { radius: least, lonely: Infinity };
  for (let step = 0; step <= 24; step++) {
    const radius = least * (1 + step / 48);
    const lonely = emptiness(measured, radius) + step / 48;
    if (lonely < best.lonely) best = { radius, lonely };
  }
  return best.radius;
}

/** How empty the last ring would be, and a whole one for each ring. */
function emptiness(measured: readonly Measured[], radius: number): number {
  let rings = 0;
  let filled = 1;
  for (let next = 0; next < measured.length; rings++) {
    const ring = takeRing(measured, next, radius);
    filled = ring.reduce((sum, one) => sum + one.width, 0) / radius / SPAN;
    next += ring.length;
    radius += Math.max(...ring.map((one) => one.depth)) + RING_GAP;
  }
  return rings + (rings > 1 ? 1 - filled : 0);
}

function takeRing(measured: readonly Measured[], from: number, radius: number): Measured[] {
  const ring: Measured[] = [];
  let width = 0;
  for (const one of measured.slice(from)) {
    width += one.width;
    if (ring.length && width / radius > SPAN + 1e-9) break;
    ring.push(one);
  }
  return ring;
}

function shapeOf(one: Measured, inner: number, angle: number, first: number, tierIds: readonly string[]): SectionShape {
  const { section, width, depth } = one;
  const half = (width - AISLE) / inner / 2;
  const widest = Math.max(1, ...section.rows.map((row) => row.seats));
  const rows: Row[] = [];
  let seat = first;
  if (section.kind === "seated") {
    for (const row of section.rows) {
      rows.push({ label: row.label, count: row.seats, first: seat });
      seat += row.seats;
    }
  }
  return {
    id: section.id,
    name: section.name,
    kind: section.kind,
    tier: Math.max(0, tierIds.indexOf(section.tier_id)),
    capacity: section.capacity,
    inner,
    outer: inner + depth,
    middle: angle + width / inner / 2,
    half,
    step: (2 * half) / widest,
    rows,
    first,
    count: seat - first,
  };
}

function place(sections: SectionShape[], count: number, stage: number): Layout {
  const xs = new Float32Array(count);
  const ys = new Float32Array(count);
  const sectionOf = new Uint16Array(count);
  const box = { left: -stage, top: 0, right: stage, bottom: stage };
  sections.forEach((section, index) => {
    section.rows.forEach((row, at) => {
      const radius = section.inner + (at + 0.5) * ROW_PITCH;
      for (let number = 1; number <= row.count; number++) {
        const angle = section.middle + (number - (row.count + 1) / 2) * section.step;
        const seat = row.first + number - 1;
        xs[seat] = radius * Math.sin(angle);
        ys[seat] = radius * Math.cos(angle);
        sectionOf[seat] = index;
      }
    });
    for (const angle of [section.middle - section.half, section.middle, section.middle + section.half]) {
      for (const radius of [section.inner, section.outer]) {
        box.left = Math.min(box.left, radius * Math.sin(angle));
        box.right = Math.max(box.right, radius * Math.sin(angle));
        box.top = Math.min(box.top, radius * Math.cos(angle));
        box.bottom = Math.max(box.bottom, radius * Math.cos(angle));
      }
    }
  });
  return { sections, count, xs, ys, sectionOf, stage, ...box };
}

export type Hit = { section: number; seat: number | null };

/** What is at a point: a section, and the seat in it if there is one. */
export function hitAt(layout: Layout, x: number, y: number): Hit | null {
  const radius = Math.hypot(x, y);
  const angle = Math.atan2(x, y);
  const index = layout.sections.findIndex(
    (one) =>
      radius >= one.inner && radius <= one.outer && Math.abs(angle - one.middle) <= one.half + one.step / 2,
  );
  const section = layout.sections[index];
  if (!section) return null;
  const row = section.rows[Math.floor((radius - section.inner) / ROW_PITCH)];
  if (!row) return { section: index, seat: null };
  const number = Math.round((angle - section.middle) / section.step + (row.count + 1) / 2);
  return { section: index, seat: number >= 1 && number <= row.count ? row.first + number - 1 : null };
}

export interface SeatName {
  section: SectionShape;
  row: Row;
  number: number;
  id: string;
}

/** The section, row and number of a seat. */
export function seatName(layout: Layout, seat: number): SeatName | null {
  const section = layout.sections[layout.sectionOf[seat] ?? -1];
  const row = section?.rows.find((one) => seat >= one.first && seat < one.first + one.count);
  if (!section || !row) return null;
  const number = seat - row.first + 1;
  return { section, row, number, id: `${section.id}-${row.label}-${number}` };
}

/** The seat of an id such as `A-3-12`; null when there is none. */
export function seatIndex(layout: Layout, id: string): number | null {
  const [sectionId, label, number] = id.split("-");
  const row = layout.sections.find((one) => one.id === sectionId)?.rows.find((one) => one.label === label);
  const n = Number(number);
  return row && Number.isInteger(n) && n >= 1 && n <= row.count ? row.first + n - 1 : null;
}

export type Direction = "left" | "right" | "up" | "down";

/** The seat beside, before or behind; over the aisle and the ring to the nearest one that way. */
export function neighbour(layout: Layout, seat: number, direction: Direction): number {
  const name = seatName(layout, seat);
  if (!name) return seat;
  const { section, row, number } = name;
  if (direction === "left" && number > 1) return seat - 1;
  if (direction === "right" && number < row.count) return seat + 1;
  const at = section.rows.indexOf(row);
  const next = direction === "up" ? section.rows[at - 1] : direction === "down" ? section.rows[at + 1] : undefined;
  if (next) return next.first + clamp(number - 1 + Math.round((next.count - row.count) / 2), 0, next.count - 1);
  return nearest(layout, seat, direction) ?? seat;
}

function nearest(layout: Layout, seat: number, direction: Direction): number | null {
  const [x, y] = [layout.xs[seat] ?? 0, layout.ys[seat] ?? 0];
  const own = layout.sectionOf[seat];
  let best: number | null = null;
  let least = Infinity;
  for (let other = 0; other < layout.count; other++) {
    if (layout.sectionOf[other] === own) continue;
    const [dx, dy] = [(layout.xs[other] ?? 0) - x, (layout.ys[other] ?? 0) - y];
    const along = { left: -dx, right: dx, up: -dy, down: dy }[direction];
    const across = direction === "left" || direction === "right" ? Math.abs(dy) : Math.abs(dx);
    if (along > 0 && along + 2 * across < least) [least, best] = [along + 2 * across, other];
  }
  return best;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
