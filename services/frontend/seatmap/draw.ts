/** Paints the house: sections from afar, seats from near, numbers from close by; and the marks over it. */

import { toView, type Camera, type Size } from "./camera";
import type { Layout, SectionShape } from "./layout";
import { FREE, HELD, SOLD, type Places } from "./places";
import type { Stamps } from "./stamps";

export interface Palette {
  tiers: string[];
  ink: string;
  muted: string;
  taken: string;
  paper: string;
  stage: string;
  chosen: string;
  onChosen: string;
}

export interface View {
  camera: Camera;
  size: Size;
}

export interface House {
  layout: Layout;
  places: Places;
  palette: Palette;
  /** Only this price is wanted; null: all. */
  tier: number | null;
  stageName: string;
}

/** What is drawn over the house, anew in every frame. */
export interface Marks {
  chosen: ReadonlySet<number>;
  /** Where the keyboard is, or the mouse. */
  cursor: number | null;
  hovered: number | null;
}

/** Pixels a seat: from here on round, and from here on with its number. */
const ROUND = 7;
const NUMBERED = 20;

export function seatRadius(scale: number): number {
  return scale * 0.38;
}

/** `stamps` are of this scale's `seatRadius`. */
export function drawHouse(context: CanvasRenderingContext2D, house: House, view: View, stamps: Stamps): void {
  const { scale } = view.camera;
  drawStage(context, house, view);
  const seen = house.layout.sections.filter((section) => isSeen(section, view));
  for (const section of seen) drawFloor(context, house, view, section);
  if (scale < ROUND) drawDots(context, house, view, seen);
  else drawSeats(context, house, view, { seen, stamps });
  if (scale < NUMBERED) for (const section of seen) drawName(context, house, view, section);
}

export function drawMarks(context: CanvasRenderingContext2D, house: House, view: View, { chosen, hovered, cursor }: Marks): void {
  drawChosen(context, house, view, chosen);
  drawRing(context, house, view, { seat: hovered, width: 1.5 });
  drawRing(context, house, view, { seat: cursor, width: 3 });
}

function isSeen(section: SectionShape, { camera, size }: View): boolean {
  const radius = (section.inner + section.outer) / 2;
  const [x, y] = toView(camera, size, radius * Math.sin(section.middle), radius * Math.cos(section.middle));
  const reach = (section.outer * section.half + (section.outer - section.inner)) * camera.scale;
  return x > -reach && y > -reach && x < size.width + reach && y < size.height + reach;
}

function drawStage(context: CanvasRenderingContext2D, { layout, palette, stageName }: House, { camera, size }: View): void {
  const [x, y] = toView(camera, size, 0, 0);
  context.fillStyle = palette.stage;
  context.beginPath();
  context.arc(x, y, Math.max(1, (layout.stage - 1) * camera.scale), 0.12 * Math.PI, 0.88 * Math.PI);
  context.closePath();
  context.fill();
  context.fillStyle = palette.muted;
  context.font = `600 ${Math.round(Math.min(16, Math.max(10, layout.stage * camera.scale * 0.16)))}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(stageName, x, y + layout.stage * camera.scale * 0.68);
}

function drawFloor(context: CanvasRenderingContext2D, house: House, { camera, size }: View, section: SectionShape): void {
  const { palette, places, tier } = house;
  const [x, y] = toView(camera, size, 0, 0);
  // Canvas angles run from the right, clockwise; ours from straight down, to the right.
  const [from, to] = [Math.PI / 2 - section.middle - section.half, Math.PI / 2 - section.middle + section.half];
  const pad = 0.5;
  context.beginPath();
  context.arc(x, y, (section.outer + pad) * camera.scale, from - 0.6 / section.outer, to + 0.6 / section.outer);
  context.arc(x, y, (section.inner - pad) * camera.scale, to + 0.6 / section.inner, from - 0.6 / section.inner, true);
  context.closePath();
  const wanted = tier === null || tier === section.tier;
  const left = section.capacity ? places.free(section.id) / section.capacity : 0;
  context.globalAlpha = wanted ? (section.kind === "standing" ? 0.14 + 0.34 * left : 0.1 + 0.12 * left) : 0.05;
  context.fillStyle = left > 0 ? colour(palette, section.tier) : palette.taken;
  context.fill();
  context.globalAlpha = wanted ? 0.55 : 0.2;
  context.strokeStyle = colour(palette, section.tier);
  context.lineWidth = 1;
  context.stroke();
  context.globalAlpha = 1;
}

/** From afar a seat is a square of a few pixels: eight thousand of them cost little. */
function drawDots(context: CanvasRenderingContext2D, house: House, { camera, size }: View, seen: readonly SectionShape[]): void {
  const { layout, places, palette, tier } = house;
  const side = Math.max(1, camera.scale * 0.6);
  const [dx, dy] = [size.width / 2 - camera.x * camera.scale - side / 2, size.height / 2 - camera.y * camera.scale - side / 2];
  for (const section of seen) {
    for (const state of [FREE, HELD]) {
      context.fillStyle = colour(palette, section.tier);
      context.globalAlpha = tier !== null && tier !== section.tier ? 0.15 : state === FREE ? 1 : 0.35;
      for (let seat = section.first; seat < section.first + section.count; seat++) {
        if (places.states[seat] !== state) continue;
        context.fillRect((layout.xs[seat] ?? 0) * camera.scale + dx, (layout.ys[seat] ?? 0) * camera.scale + dy, side, side);
      }
    }
  }
  context.globalAlpha = 1;
}

interface Sections {
  seen: readonly SectionShape[];
  stamps: Stamps;
}

interface OneSection {
  section: SectionShape;
  stamps: Stamps;
}

function drawSeats(context: CanvasRenderingContext2D, house: House, view: View, { seen, stamps }: Sections): void {
  context.save();
  // Stamps are in pixels of the screen.
  context.setTransform(1, 0, 0, 1, 0, 0);
  for (const section of seen) {
    context.globalAlpha = house.tier !== null && house.tier !== section.tier ? 0.2 : 1;
    drawSeatsOf(context, house, view, { section, stamps });
  }
  context.restore();
}

function drawSeatsOf(context: CanvasRenderingContext2D, { layout, places, palette }: House, { camera, size }: View, one: OneSection): void {
  const { section, stamps } = one;
  const ink = colour(palette, section.tier);
  const [free, held, sold] = [stamps.of(FREE, ink), stamps.of(HELD, ink), stamps.of(SOLD, palette.taken)];
  const isNumbered = camera.scale >= NUMBERED;
  const stampOf = (state: number | undefined, number: number) => {
    if (state !== FREE) return state === HELD ? held : sold;
    return isNumbered ? stamps.of(FREE, ink, { number, colour: palette.paper }) : free;
  };
  const { side, ratio } = stamps;
  const reach = side / ratio / 2;
  for (const row of section.rows) {
    for (let at = 0; at < row.count; at++) {
      const seat = row.first + at;
      const [x, y] = toView(camera, size, layout.xs[seat] ?? 0, layout.ys[seat] ?? 0);
      if (x < -reach || y < -reach || x > size.width + reach || y > size.height + reach) continue;
      context.drawImage(stampOf(places.states[seat], at + 1), Math.round((x - reach) * ratio), Math.round((y - reach) * ratio));
    }
  }
}

function drawName(context: CanvasRenderingContext2D, { palette, places }: House, { camera, size }: View, section: SectionShape): void {
  const radius = (section.inner + section.outer) / 2;
  const [x, y] = toView(camera, size, radius * Math.sin(section.middle), radius * Math.cos(section.middle));
  const width = 2 * section.half * radius * camera.scale;
  const height = Math.min(section.count ? 15 : 20, Math.max(10, width / 7));
  context.font = `700 ${height}px system-ui, sans-serif`;
  const name = context.measureText(section.name).width <= width * 0.94 ? section.name : section.id;
  const textWidth = context.measureText(name).width;
  if (textWidth > width) return;
  const free = String(places.free(section.id));
  const twoLines = (section.outer - section.inner) * camera.scale > height * 2.6;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = palette.paper;
  context.globalAlpha = 0.86;
  const boxHeight = twoLines ? height * 2.6 : height * 1.5;
  context.beginPath();
  context.roundRect(x - textWidth / 2 - 6, y - boxHeight / 2, textWidth + 12, boxHeight, 6);
  context.fill();
  context.globalAlpha = 1;
  context.fillStyle = palette.ink;
  context.fillText(name, x, twoLines ? y - height * 0.55 : y);
  if (!twoLines) return;
  context.font = `500 ${height * 0.88}px system-ui, sans-serif`;
  context.fillStyle = palette.muted;
  context.fillText(free, x, y + height * 0.6);
}

function drawChosen(context: CanvasRenderingContext2D, { layout, palette }: House, { camera, size }: View, chosen: ReadonlySet<number>): void {
  const radius = Math.max(4, camera.scale * 0.46);
  for (const seat of chosen) {
    const [x, y] = toView(camera, size, layout.xs[seat] ?? 0, layout.ys[seat] ?? 0);
    context.fillStyle = palette.chosen;
    context.strokeStyle = palette.paper;
    context.lineWidth = Math.max(1.5, radius * 0.16);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
    if (radius < 6) continue;
    context.strokeStyle = palette.onChosen;
    context.lineWidth = Math.max(1.5, radius * 0.22);
    context.beginPath();
    context.moveTo(x - radius * 0.42, y + radius * 0.02);
    context.lineTo(x - radius * 0.1, y + radius * 0.34);
    context.lineTo(x + radius * 0.45, y - radius * 0.32);
    context.stroke();
  }
}

interface Ring {
  seat: number | null;
  width: number;
}

function drawRing(context: CanvasRenderingContext2D, { layout, palette }: House, { camera, size }: View, { seat, width }: Ring): void {
  if (seat === null) return;
  const [x, y] = toView(camera, size, layout.xs[seat] ?? 0, layout.ys[seat] ?? 0);
  context.strokeStyle = palette.ink;
  context.lineWidth = width;
  context.beginPath();
  context.arc(x, y, Math.max(6, camera.scale * 0.55), 0, 2 * Math.PI);
  context.stroke();
}

function colour(palette: Palette, tier: number): string {
  return palette.tiers[tier % palette.tiers.length] ?? palette.ink;
}
