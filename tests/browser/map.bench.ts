/** How smooth the map of 8,000 seats is while others buy: `make bench-map`. Prints figures, judges none. */

import { setTimeout as pause } from "node:timers/promises";

import type { Page } from "playwright-core";

import { apiBuyer, ARENA, CARDS, closeBrowser, DESKTOP, openBrowser, SHOP, visit } from "./shop.ts";

const FOR_MS = 8000;
/** A seat that is held and sold between two messages is one change: so a hundred changes at least. */
const SEATS_A_SECOND = 100;
const SEATS_A_BOOKING = 5;
const VISITS = 5;

const browser = await openBrowser();
// The very first visit is the server's first too. Buyers come to one that is warm, with a browser that knows nothing.
const first = await newcomer();
const scriptKb = await scripts();
const visits: number[] = [];
for (let at = 0; at < VISITS; at++) visits.push(await newcomer());
visits.sort((one, other) => one - other);

const { page } = await visit(browser, DESKTOP);
let heard = 0;
page.on("websocket", (socket) =>
  socket.on("framereceived", ({ payload }) => {
    const { type, data } = JSON.parse(String(payload)) as { type: string; data: { seats?: unknown[] } };
    if (type === "seats") heard += data.seats?.length ?? 0;
  }),
);
await untilInteractive(page);
await page.getByTestId("live").getByText("Live").waitFor();
const quiet = await frames(page);
const buying = sell();
heard = 0;
const busy = await frames(page);
const changes = heard;
await buying;
await closeBrowser(browser);
const interactive = { median: visits[VISITS >> 1], slowest: visits.at(-1), very_first: first };
console.log(JSON.stringify({ script_kb: scriptKb, interactive_ms: interactive, quiet, busy, changes_a_second: Math.round((changes * 1000) / FOR_MS) }, null, 2));

/** All script of the event's page, as it comes: compressed, in kB. */
async function scripts(): Promise<number> {
  const { page: newPage, context } = await visit(browser, DESKTOP);
  const sizes: Promise<number>[] = [];
  newPage.on("requestfinished", (request) => {
    if (request.resourceType() === "script") sizes.push(request.sizes().then((size) => size.responseBodySize));
  });
  await untilInteractive(newPage);
  await newPage.getByTestId("live").getByText("Live").waitFor();
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  await context.close();
  return Math.round(total / 1000);
}

/** How long it takes somebody who was never here, in milliseconds. */
async function newcomer(): Promise<number> {
  const { page: newPage, context } = await visit(browser, DESKTOP);
  const took = await untilInteractive(newPage);
  await context.close();
  return Math.round(took);
}

/** From asking for the page until a key moves the map's cursor. */
async function untilInteractive(on: Page): Promise<number> {
  const began = performance.now();
  await on.goto(`${SHOP}/events/${ARENA}`, { waitUntil: "commit" });
  await on.waitForFunction(() => {
    const map = document.querySelector<HTMLElement>("[data-testid=seat-map]");
    map?.focus();
    map?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    return /row/.test(document.querySelector(".map-said")?.textContent ?? "");
  });
  const took = performance.now() - began;
  await on.keyboard.press("0");
  return took;
}

/** Frames a second while the map is dragged to and fro: on average, and in the slowest tenth. */
async function frames(on: Page): Promise<{ fps: number; slowest_fps: number }> {
  const box = await on.getByTestId("seat-map").boundingBox();
  if (!box) throw new Error("no map");
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const counting = on.evaluate(async (forMs) => {
    const times: number[] = [];
    const began = performance.now();
    for (let last = began; last - began < forMs; ) {
      const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
      times.push(now - last);
      last = now;
    }
    return times.slice(1);
  }, FOR_MS);
  await on.mouse.move(x, y);
  await on.mouse.down();
  for (const end = Date.now() + FOR_MS; Date.now() < end; ) {
    const turn = (Date.now() / 700) * Math.PI;
    await on.mouse.move(x + 160 * Math.sin(turn), y + 90 * Math.cos(turn));
  }
  await on.mouse.up();
  const times = (await counting).sort((one, other) => one - other);
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  return { fps: Math.round(1000 / mean), slowest_fps: Math.round(1000 / (times[Math.floor(times.length * 0.9)] ?? Infinity)) };
}

async function sell(): Promise<void> {
  const buyer = await apiBuyer();
  const orders: Promise<unknown>[] = [];
  for (let at = 0; at < (SEATS_A_SECOND * FOR_MS) / 1000 / SEATS_A_BOOKING; at++) {
    const areas = [{ section_id: `S${1 + (at % 20)}`, quantity: SEATS_A_BOOKING }];
    orders.push(buyer("/api/v1/bookings", { event_id: ARENA, areas, payment_method: CARDS.works }));
    await pause((1000 * SEATS_A_BOOKING) / SEATS_A_SECOND);
  }
  await Promise.all(orders);
}
