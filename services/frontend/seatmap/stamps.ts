/** Seats as little pictures: each kind is drawn once for a size, then copied for every seat that looks like it. */

import { FREE, HELD } from "./places";

/** Around a picture, so that its soft edge is not cut off. */
const EDGE = 1;

export interface Numbered {
  number: number;
  colour: string;
}

export class Stamps {
  readonly #made = new Map<string, HTMLCanvasElement>();

  /** `ratio`: pixels of the screen a pixel of the page. */
  constructor(
    readonly radius: number,
    readonly ratio: number,
  ) {}

  /** How wide a picture is, in pixels of the screen: copied to whole ones it costs half of what it costs in between. */
  get side(): number {
    return Math.ceil((2 * this.radius + 2 * EDGE) * this.ratio);
  }

  /** Free: full, with its number where there is one. Held: a ring. Sold: a small cross. So that no one has to tell colours
   *  apart. */
  of(state: number, colour: string, numbered?: Numbered): HTMLCanvasElement {
    const name = `${state} ${colour} ${numbered?.number} ${numbered?.colour}`;
    const known = this.#made.get(name);
    if (known) return known;
    const stamp = document.createElement("canvas");
    stamp.width = stamp.height = this.side;
    const context = stamp.getContext("2d");
    if (context) {
      context.translate(this.side / 2, this.side / 2);
      context.scale(this.ratio, this.ratio);
      this.#draw(context, state, colour);
      if (numbered) this.#write(context, numbered);
    }
    this.#made.set(name, stamp);
    return stamp;
  }

  #draw(context: CanvasRenderingContext2D, state: number, colour: string): void {
    const { radius } = this;
    context.fillStyle = context.strokeStyle = colour;
    context.beginPath();
    if (state === FREE) {
      context.arc(0, 0, radius, 0, 2 * Math.PI);
      context.fill();
      return;
    }
    if (state === HELD) {
      context.lineWidth = Math.max(1, radius * 0.22);
      context.arc(0, 0, radius * 0.8, 0, 2 * Math.PI);
    } else {
      const arm = radius * 0.4;
      context.lineWidth = Math.max(1, radius * 0.16);
      context.moveTo(-arm, -arm);
      context.lineTo(arm, arm);
      context.moveTo(arm, -arm);
      context.lineTo(-arm, arm);
    }
    context.stroke();
  }

  #write(context: CanvasRenderingContext2D, { number, colour }: Numbered): void {
    context.fillStyle = colour;
    context.font = `600 ${Math.round(this.radius * 0.9)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(number), 0, 1);
  }
}
