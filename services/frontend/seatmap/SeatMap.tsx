"use client";

/** The house on a canvas: pan, pinch, wheel, keys; choose a seat by touch, click or Enter. */

import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";

import { useWords } from "@/components/providers";

import { fit, kept, panned, shows, TOUCHABLE, toHouse, zoomed, type Camera } from "./camera";
import { hitAt, neighbour, seatName, type Direction } from "./layout";
import { FREE, HELD, type Places } from "./places";
import { useGestures } from "./gestures";
import { usePaint, type Looking } from "./paint";

interface Props {
  places: Places;
  chosen: ReadonlySet<number>;
  /** Only this price is of interest; null: all. */
  tier: number | null;
  /** A seat was asked for, or given back. */
  onToggle(seat: number): void;
  /** What there is to say of a seat, for the line under the map and for screen readers. */
  describe(seat: number): string;
}

const ZOOM = 1.5;
const ARROWS: Record<string, Direction> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

export function SeatMap({ places, chosen, tier, onToggle, describe }: Props) {
  const { t } = useWords();
  const { layout } = places;
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<Looking>({
    camera: { x: 0, y: 0, scale: 1 },
    size: { width: 0, height: 0 },
    touched: false,
  });
  const [cursor, setCursor] = useState<number | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const shown = useRef({ chosen, tier, cursor, hovered });
  const paint = usePaint(canvas, places, { view, shown, stageName: t("map.stage") });
  useEffect(() => {
    shown.current = { chosen, tier, cursor, hovered };
    paint();
  }, [chosen, tier, cursor, hovered, paint]);
  useEffect(() => places.subscribe(paint), [places, paint]);

  const least = useCallback(() => fit(layout, view.current.size).scale * 0.8, [layout]);
  const look = useCallback(
    (camera: Camera) => {
      view.current = { ...view.current, camera: kept(camera, layout), touched: true };
      paint();
    },
    [layout, paint],
  );
  const zoom = useCallback(
    (factor: number, x?: number, y?: number) => {
      const { camera, size } = view.current;
      look(zoomed(camera, size, factor, x ?? size.width / 2, y ?? size.height / 2, least()));
    },
    [look, least],
  );
  const wholeHouse = () => look(fit(layout, view.current.size));
  const seatAt = useCallback(
    (x: number, y: number) => hitAt(layout, ...toHouse(view.current.camera, view.current.size, x, y)),
    [layout],
  );
  const tap = useCallback(
    (x: number, y: number) => {
      const hit = seatAt(x, y);
      if (!hit) return;
      const { camera, size } = view.current;
      // Too small to hit one among many: come closer first.
      if (hit.seat === null || camera.scale < TOUCHABLE * 0.55) {
        const [houseX, houseY] = toHouse(camera, size, x, y);
        look({ x: houseX, y: houseY, scale: Math.max(TOUCHABLE, camera.scale) });
      } else onToggle(hit.seat);
    },
    [look, onToggle, seatAt],
  );
  const hover = useCallback(
    (at: [number, number] | null) => {
      const hit = at && view.current.camera.scale >= TOUCHABLE * 0.3 ? seatAt(...at) : null;
      setHovered(hit?.seat ?? null);
    },
    [seatAt],
  );
  const pan = useCallback((dx: number, dy: number) => look(panned(view.current.camera, dx, dy)), [look]);
  const gestures = useMemo(() => ({ pan, zoom, tap, hover }), [pan, zoom, tap, hover]);
  useGestures(canvas, gestures);

  const moveTo = (seat: number) => {
    setCursor(seat);
    const { camera, size } = view.current;
    const [x, y] = [layout.xs[seat] ?? 0, layout.ys[seat] ?? 0];
    if (camera.scale < TOUCHABLE) look({ x, y, scale: TOUCHABLE });
    else if (!shows(camera, size, x, y)) look({ ...camera, x, y });
  };
  const onKey = (event: KeyboardEvent) => {
    const direction = ARROWS[event.key];
    if (direction && layout.count) moveTo(cursor === null ? firstSeat(places) : neighbour(layout, cursor, direction));
    else if (event.key === "PageDown" || event.key === "PageUp") moveTo(nextSection(places, cursor, event.key === "PageDown" ? 1 : -1));
    else if ((event.key === "Enter" || event.key === " ") && cursor !== null) onToggle(cursor);
    else if (event.key === "+" || event.key === "=") zoom(ZOOM);
    else if (event.key === "-") zoom(1 / ZOOM);
    else if (event.key === "0") wholeHouse();
    else return;
    event.preventDefault();
  };
  const told = cursor ?? hovered;
  return (
    <div className="map">
      <div
        className="map-stage"
        role="application"
        aria-roledescription={t("map.role")}
        aria-label={t("map.label")}
        aria-describedby="map-help"
        tabIndex={0}
        onKeyDown={onKey}
        onBlur={() => setCursor(null)}
        data-testid="seat-map"
      >
        <canvas ref={canvas} aria-hidden="true" />
      </div>
      <div className="map-tools">
        <button type="button" className="icon" aria-label={t("map.closer")} onClick={() => zoom(ZOOM)}>
          +
        </button>
        <button type="button" className="icon" aria-label={t("map.farther")} onClick={() => zoom(1 / ZOOM)}>
          −
        </button>
        <button type="button" className="icon" aria-label={t("map.whole")} onClick={wholeHouse}>
          ⤢
        </button>
      </div>
      <p className="map-said" aria-live="polite">
        {told !== null ? describe(told) : layout.count > 0 && <span className="quiet">{t("map.hint")}</span>}
      </p>
      <p id="map-help" className="only-heard">
        {t("map.help")}
      </p>
    </div>
  );
}

function firstSeat(places: Places): number {
  const free = places.states.indexOf(FREE);
  return free < 0 ? 0 : free;
}

function nextSection({ layout }: Places, seat: number | null, by: 1 | -1): number {
  const seated = layout.sections.filter((section) => section.count);
  const now = seat === null ? -1 : seated.findIndex((section) => section === seatName(layout, seat)?.section);
  return seated[(now + by + seated.length) % seated.length]?.first ?? 0;
}

/** `free`, `held` or `sold`. */
export function stateWord(places: Places, seat: number): "free" | "held" | "sold" {
  const state = places.states[seat];
  return state === FREE ? "free" : state === HELD ? "held" : "sold";
}
