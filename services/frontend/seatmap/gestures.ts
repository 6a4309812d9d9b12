/** Fingers, mouse and wheel as four words: pan, zoom, tap, hover. */

import { useEffect } from "react";

export interface Gestures {
  pan(dx: number, dy: number): void;
  zoom(factor: number, x: number, y: number): void;
  tap(x: number, y: number): void;
  hover(at: [number, number] | null): void;
}

/** A pointer that moved farther than this did not tap. */
const STILL_PX = 6;

export function useGestures(canvas: { current: HTMLCanvasElement | null }, gestures: Gestures): void {
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const down = new Map<number, { x: number; y: number }>();
    let moved = 0;
    const at = (event: MouseEvent): [number, number] => {
      const box = element.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const begin = (event: PointerEvent) => {
      const [x, y] = at(event);
      if (!down.size) moved = 0;
      down.set(event.pointerId, { x, y });
      element.setPointerCapture(event.pointerId);
    };
    const move = (event: PointerEvent) => {
      const [x, y] = at(event);
      const before = down.get(event.pointerId);
      if (!before) return gestures.hover([x, y]);
      const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
      moved += Math.hypot(x - before.x, y - before.y);
      down.set(event.pointerId, { x, y });
      if (other) {
        const [was, is] = [distance(before, other), distance({ x, y }, other)];
        if (was > 0) gestures.zoom(is / was, (x + other.x) / 2, (y + other.y) / 2);
        gestures.pan((x - before.x) / 2, (y - before.y) / 2);
      } else if (moved > STILL_PX) gestures.pan(x - before.x, y - before.y);
    };
    const end = (event: PointerEvent) => {
      const wasDown = down.delete(event.pointerId);
      if (event.type === "pointerup" && wasDown && !down.size && moved <= STILL_PX) gestures.tap(...at(event));
      if (event.type === "pointerleave") gestures.hover(null);
    };
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      gestures.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), ...at(event));
    };
    element.addEventListener("pointerdown", begin);
    element.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel", "pointerleave"] as const) element.addEventListener(name, end);
    // Not passive: the page must not scroll under the map.
    element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      element.removeEventListener("pointerdown", begin);
      element.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel", "pointerleave"] as const) element.removeEventListener(name, end);
      element.removeEventListener("wheel", wheel);
    };
  }, [canvas, gestures]);
}

function distance(one: { x: number; y: number }, other: { x: number; y: number }): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
