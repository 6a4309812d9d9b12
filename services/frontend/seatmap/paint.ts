/** When the map is painted: at most once a frame, sharp on every screen, in the size of its box and the colours of the theme. */

import { useCallback, useEffect, useRef } from "react";

import { fit } from "./camera";
import { drawMarks, type Marks, type Palette, type View } from "./draw";
import { Picture } from "./picture";
import type { Places } from "./places";

export interface Looking extends View {
  /** Somebody has moved it: it is not fitted to its box any more. */
  touched: boolean;
}

interface Painting {
  view: { current: Looking };
  shown: { current: Marks & { tier: number | null } };
  stageName: string;
}

const SHARPEST = 2;

/** Gives back what asks for a new frame. */
export function usePaint(canvas: { current: HTMLCanvasElement | null }, places: Places, { view, shown, stageName }: Painting): () => void {
  const frame = useRef(0);
  const palette = useRef<Palette | null>(null);
  const picture = useRef<Picture | null>(null);
  const paint = useCallback(() => {
    if (frame.current) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = 0;
      const element = canvas.current;
      const context = element?.getContext("2d");
      const { size } = view.current;
      if (!element || !context || !size.width) return;
      palette.current ??= paletteOf(element);
      picture.current ??= new Picture();
      const { tier, ...marks } = shown.current;
      const house = { layout: places.layout, places, palette: palette.current, tier, stageName };
      const ratio = element.width / size.width;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, element.width, element.height);
      picture.current.show(context, house, view.current, ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawMarks(context, house, view.current, marks);
    });
  }, [canvas, places, view, shown, stageName]);
  useEffect(() => {
    const element = canvas.current;
    const box = element?.parentElement;
    if (!element || !box) return;
    const resized = () => {
      const size = { width: box.clientWidth, height: box.clientHeight };
      const ratio = Math.min(SHARPEST, devicePixelRatio || 1);
      element.width = Math.round(size.width * ratio);
      element.height = Math.round(size.height * ratio);
      const { camera, touched } = view.current;
      view.current = { size, touched, camera: touched ? camera : fit(places.layout, size) };
      paint();
    };
    const recoloured = () => {
      palette.current = null;
      paint();
    };
    const observer = new ResizeObserver(resized);
    observer.observe(box);
    const theme = new MutationObserver(recoloured);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", recoloured);
    resized();
    return () => {
      observer.disconnect();
      theme.disconnect();
      dark.removeEventListener("change", recoloured);
      cancelAnimationFrame(frame.current);
      frame.current = 0;
    };
  }, [canvas, places, view, paint]);
  return paint;
}

const TIERS = 8;

/** The colours of the page as it looks now: a canvas knows none of its variables. */
function paletteOf(element: HTMLElement): Palette {
  const seen = getComputedStyle(element);
  const colour = (name: string) => {
    element.style.color = `var(${name})`;
    return seen.color;
  };
  const palette = {
    tiers: Array.from({ length: TIERS }, (_, tier) => colour(`--tier-${tier}`)),
    ink: colour("--ink"),
    muted: colour("--muted"),
    taken: colour("--taken"),
    paper: colour("--paper"),
    stage: colour("--stage"),
    chosen: colour("--chosen"),
    onChosen: colour("--on-chosen"),
  };
  element.style.removeProperty("color");
  return palette;
}
