/** The map of 8,000 seats: what a newcomer waits for, and how smooth it is while others buy: `make bench-map`.
 *  Prints figures, judges none. */

import { setTimeout as pause } from "node:timers/promises";

import type { Page } from "playwright-core";

import { apiBuyer, ARENA, CARDS, closeBrowser, DESKTOP, openBrowser, SHOP, visit } from "./shop.ts";

const FOR_MS = 8000;
const SEATS_A_SECOND = 100;
/** As many as the sample allows: what is measured is the map, and a booking costs the same two cores. */
const SEATS_A_BOOKING = 8;
const VISITS = 9;
const SLOWER = 4;

/** Milliseconds from asking for the page. */
interface Arrival {
  first_byte: number;
  last_byte: number;
  painted: number;
  last_script: number;
  interactive: number;
}

interface Frames {
  fps: number;
  slowest_fps: number;
}

const browser = await openBrowser();
// The very first visit is the server's first too. Buyers come to one that is warm, with a browser that knows nothing.
const first = await newcomer();
const scriptKb = await scripts();
const arrivals: Arrival[] = [];
for (let at = 0; at < VISITS; at++) arrivals.push(await newcomer());
arrivals.sort((one, other) => one.interactive - other.interactive);

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
const closed = new AbortController();
const sold = sell(closed.signal);
while (heard < SEATS_A_SECOND) await pause(50);
const busy = await whileOthersBuy();
const busyPhone = await onAPhone(whileOthersBuy);
for (let times = 0; times < 2; times++) await page.getByRole("button", { name: "Zoom in" }).click();
const near = await whileOthersBuy();
const nearPhone = await onAPhone(whileOthersBuy);
closed.abort();
const ordered = await sold;
await closeBrowser(browser);
const interactive = { median: arrivals[VISITS >> 1], slowest: arrivals.at(-1), very_first: first };
console.log(JSON.stringify({ script_kb: scriptKb, arrival_ms: interactive, quiet, busy, near, phone: { busy: busyPhone, near: nearPhone }, ordered_a_second: ordered }, null, 2));

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

/** How long it takes somebody who was never here. */
async function newcomer(): Promise<Arrival> {
  const { page: newPage, context } = await visit(browser, DESKTOP);
  const interactive = await untilInteractive(newPage);
  const seen = await newPage.evaluate(() => {
    const [page_] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    const scripts_ = performance.getEntriesByType("resource").filter((entry) => entry.name.endsWith(".js")) as PerformanceResourceTiming[];
    return {
      first_byte: page_?.responseStart ?? NaN,
      last_byte: page_?.responseEnd ?? NaN,
      painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
      last_script: Math.max(...scripts_.map((entry) => entry.responseEnd)),
    };
  });
  await context.close();
  return Object.fromEntries(Object.entries({ ...seen, interactive }).map(([what, ms]) => [what, Math.round(ms)])) as unknown as Arrival;
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

/** The same with a sale going on: seats that a message named, and seats that the page shows as free no more. */
async function whileOthersBuy(): Promise<Frames & { changes_heard_a_second: number; taken_on_the_page_a_second: number }> {
  const [began, freeBefore] = [performance.now(), await freeOnThePage()];
  heard = 0;
  const seen = await frames(page);
  const [taken, forS] = [freeBefore - (await freeOnThePage()), (performance.now() - began) / 1000];
  return { ...seen, changes_heard_a_second: Math.round(heard / forS), taken_on_the_page_a_second: Math.round(taken / forS) };
}

/** On a processor as slow as a phone's. */
async function onAPhone<T>(work: () => Promise<T>): Promise<T> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  try {
    return await work();
  } finally {
    await devtools.detach();
  }
}

async function freeOnThePage(): Promise<number> {
  const counts = await page.locator(".legend-price .quiet").allInnerTexts();
  return counts.reduce((sum, text) => sum + Number(text.replace(/\D/g, "")), 0);
}

/** Frames a second while the map is dragged to and fro: on average, and in the slowest tenth. */
async function frames(on: Page): Promise<Frames> {
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

/** Orders at an even pace until told to stop; how many seats a second that were. */
async function sell(until: AbortSignal): Promise<number> {
  const buyer = await apiBuyer();
  const orders: Promise<unknown>[] = [];
  const began = performance.now();
  while (!until.aborted) {
    const areas = [{ section_id: `S${1 + (orders.length % 20)}`, quantity: SEATS_A_BOOKING }];
    orders.push(buyer("/api/v1/bookings", { event_id: ARENA, areas, payment_method: CARDS.works }));
    const next = began + (orders.length * SEATS_A_BOOKING * 1000) / SEATS_A_SECOND;
    await pause(Math.max(0, next - performance.now()));
  }
  const forS = (performance.now() - began) / 1000;
  await Promise.all(orders);
  return Math.round((orders.length * SEATS_A_BOOKING) / forS);
}
