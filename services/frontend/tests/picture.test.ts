import assert from "node:assert/strict";
import { test } from "node:test";

import { layoutOf } from "../seatmap/layout";
import { Places } from "../seatmap/places";
import { covers } from "../seatmap/picture";

const SIZE = { width: 400, height: 300 };
const CAMERA = { x: 0, y: 20, scale: 4 };
const layout = layoutOf([{ id: "A", name: "A", kind: "seated", rows: [{ label: "1", seats: 9 }], capacity: 9, tier_id: "t" }], ["t"]);
const places = new Places(layout);
const palette = { tiers: [], ink: "", muted: "", taken: "", paper: "", stage: "", chosen: "", onChosen: "" };
const house = { layout, places, palette, tier: null, stageName: "Stage" };
const painted = { house, revision: places.revision, camera: CAMERA, size: SIZE, ratio: 1 };

test("what was painted serves as long as the view stays within a quarter of a view of it", () => {
  const at = (dx: number, dy: number) => covers(painted, { ...house }, { camera: { ...CAMERA, x: CAMERA.x + dx / 4, y: CAMERA.y + dy / 4 }, size: SIZE }, 1);

  assert.ok(at(0, 0) && at(100, -75) && at(-100, 75));
  assert.ok(!at(101, 0) && !at(0, -76));
});

test("what was painted of another size, in other colours or before a change is painted anew", () => {
  const view = { camera: CAMERA, size: SIZE };

  assert.ok(!covers(painted, house, { ...view, camera: { ...CAMERA, scale: 4.1 } }, 1));
  assert.ok(!covers(painted, house, { ...view, size: { ...SIZE, height: 301 } }, 1));
  assert.ok(!covers(painted, house, view, 2));
  assert.ok(!covers(painted, { ...house, tier: 0 }, view, 1));
  assert.ok(!covers(painted, { ...house, palette: { ...palette } }, view, 1));
  assert.ok(!covers(painted, { ...house, stageName: "Bühne" }, view, 1));
  places.take({ version: 1, sections: [] });
  assert.ok(!covers(painted, house, view, 1));
});
