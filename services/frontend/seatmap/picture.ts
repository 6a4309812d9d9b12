/** The house in the view. While it is only moved, a frame copies what was painted a little beyond the view before. */

import type { Camera, Size } from "./camera";
import { drawHouse, seatRadius, type House, type View } from "./draw";
import { Stamps } from "./stamps";

/** How far beyond the view, on every side, in views. */
const BEYOND = 0.25;

/** The same in pixels of the page: whole ones, so that a copy is as sharp as what it is of. */
function beyond({ width, height }: Size): Size {
  return { width: Math.round(width * BEYOND), height: Math.round(height * BEYOND) };
}

interface Painted extends View {
  house: House;
  revision: number;
  ratio: number;
}

export class Picture {
  #canvas: HTMLCanvasElement | null = null;
  #painted: Painted | null = null;
  #stamps: Stamps | null = null;
  #scale = 0;

  /** Paints the house into a view of `ratio` pixels of the screen a pixel of the page. */
  show(context: CanvasRenderingContext2D, house: House, view: View, ratio: number): void {
    const { camera, size } = view;
    const zooms = camera.scale !== this.#scale;
    this.#scale = camera.scale;
    if (zooms) {
      // The next frame is likely of yet another scale: what was painted beyond the view would be for nothing.
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawHouse(context, house, view, this.#stampsFor(camera.scale, ratio));
      return;
    }
    if (!this.#painted || !covers(this.#painted, house, view, ratio)) this.#paint(house, view, ratio);
    if (!this.#canvas || !this.#painted) return;
    const [x, y] = corner(this.#painted.camera, camera, size);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.#canvas, Math.round(x * ratio), Math.round(y * ratio));
  }

  #paint(house: House, { camera, size }: View, ratio: number): void {
    const more = beyond(size);
    const whole = { width: size.width + 2 * more.width, height: size.height + 2 * more.height };
    this.#canvas ??= document.createElement("canvas");
    // Setting a size, even the same one, empties it.
    this.#canvas.width = Math.round(whole.width * ratio);
    this.#canvas.height = Math.round(whole.height * ratio);
    const context = this.#canvas.getContext("2d");
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawHouse(context, house, { camera, size: whole }, this.#stampsFor(camera.scale, ratio));
    this.#painted = { house, revision: house.places.revision, camera, size, ratio };
  }

  #stampsFor(scale: number, ratio: number): Stamps {
    const radius = seatRadius(scale);
    if (this.#stamps?.radius !== radius || this.#stamps.ratio !== ratio) this.#stamps = new Stamps(radius, ratio);
    return this.#stamps;
  }
}

/** Whether what was painted is still true, and reaches to every edge of the view. */
export function covers(painted: Painted, house: House, { camera, size }: View, ratio: number): boolean {
  const { house: before, revision } = painted;
  const isTrue =
    revision === house.places.revision &&
    before.places === house.places &&
    before.palette === house.palette &&
    before.tier === house.tier &&
    before.stageName === house.stageName;
  const isOfSize =
    painted.ratio === ratio &&
    painted.camera.scale === camera.scale &&
    painted.size.width === size.width &&
    painted.size.height === size.height;
  const more = beyond(size);
  const [x, y] = corner(painted.camera, camera, size);
  // Its corner is above and to the left of the view's, by no more than there is on the other side.
  const reaches = x <= 0 && y <= 0 && x >= -2 * more.width && y >= -2 * more.height;
  return isTrue && isOfSize && reaches;
}

/** Where in the view the painted picture's corner is, in pixels of the page. */
function corner(painted: Camera, camera: Camera, size: Size): [number, number] {
  const more = beyond(size);
  return [(painted.x - camera.x) * camera.scale - more.width, (painted.y - camera.y) * camera.scale - more.height];
}
