/** A browser as a buyer has one, and the steps that several tests take. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";

export const SHOP = needed("FRONTEND_URL");
export const GATEWAY = needed("GATEWAY_URL");
const EVENTS = needed("EVENTS").split(",");
export const ARENA = EVENTS[0] ?? "";
export const CLUB = EVENTS[1] ?? "";
/** The process that works the line: stopped, everybody stays in it. */
export const WORKER = Number(needed("WORKER_PID"));
/** The process that every page asks: stopped, nothing answers and nothing is refused. */
export const GATEWAY_PROCESS = Number(needed("GATEWAY_PID"));
export const PASSWORD = "a long password";
export const CARDS = { works: "pm_card_visa", asks: "pm_card_threeDSecure2Required", declined: "pm_card_chargeDeclined", slow: "pm_card_delay" };

/** The first start builds the app. */
const STARTING_MS = 400_000;
/** Of one step; generous, for two busy cores. */
const STEP_MS = 30_000;

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 860 } };
export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

export function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start this with tests/browser/run`);
  return value;
}

export async function openBrowser(): Promise<Browser> {
  await untilServed();
  return chromium.launch({
    executablePath: needed("CHROMIUM"),
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export async function untilServed(shop = SHOP): Promise<void> {
  for (const end = Date.now() + STARTING_MS; ; await pause(500)) {
    const answer = await fetch(`${shop}/health`).catch(() => null);
    if (answer?.ok) return;
    assert.ok(Date.now() < end, "the web app did not start: see build/browser.log");
  }
}

export interface Visit {
  context: BrowserContext;
  page: Page;
}

const complaints: string[] = [];

/** Ends a suite: nothing that any of its pages complained of is forgiven. */
export async function closeBrowser(browser: Browser): Promise<void> {
  await browser.close();
  assert.deepEqual(complaints.splice(0, complaints.length), []);
}

/** A window of its own, with nothing in it. */
export async function visit(browser: Browser, options: BrowserContextOptions = DESKTOP): Promise<Visit> {
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(STEP_MS);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) complaints.push(message.text());
  });
  return { context, page };
}

/** Chooses free seats of a section in the list, and says which. */
export async function chooseSeats(page: Page, event: string, section: string, seats: number[], row = "1", shop = SHOP): Promise<void> {
  await page.goto(`${shop}/events/${event}`);
  // Whoever is quicker than the page's script is not heard.
  await page.getByTestId("live").getByText("Live").waitFor();
  await page.getByRole("button", { name: "List", exact: true }).click();
  await page.getByRole("button", { name: new RegExp(`^${section} `) }).click();
  const rowOf = page.getByRole("group", { name: `Row ${row}`, exact: true });
  for (const seat of seats) await rowOf.getByRole("button", { name: `Seat ${seat}, free` }).click();
}

export async function register(page: Page, name = "Ada Lovelace", { organiser = false } = {}): Promise<string> {
  const email = `buyer-${randomUUID()}@example.com`;
  await page.getByRole("button", { name: "I am new here" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  if (organiser) await page.getByLabel("I organise events").check();
  await page.getByRole("button", { name: "Create account" }).click();
  return email;
}

export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

export async function pay(page: Page, card: string): Promise<void> {
  await page.locator(`input[value="${card}"]`).check();
  await page.getByRole("button", { name: /^Order and pay/ }).click();
  await page.waitForURL(/\/bookings\//);
}

export async function waitForStatus(page: Page, ...wanted: string[]): Promise<void> {
  await page.locator(wanted.map((status) => `h1[data-status="${status}"]`).join(", ")).waitFor();
}

/** What is special about a booking, beyond its status. */
export async function waitForStep(page: Page, step: string): Promise<void> {
  await page.locator(`h1[data-step="${step}"]`).waitFor();
}

/** With these seats, as whoever it is by then. */
export async function toCheckout(page: Page, section: string, seats: number[], event = ARENA): Promise<void> {
  await chooseSeats(page, event, section, seats);
  await page.getByRole("link", { name: "Continue" }).click();
  await page.waitForURL(/checkout/);
}

/** How many this buyer has. */
export async function bookings(page: Page): Promise<number> {
  await page.goto(`${SHOP}/bookings`);
  await page.locator(".rows li").first().waitFor();
  return page.locator(".rows li").count();
}

/** From nothing to the booking's page. */
export async function buy(page: Page, event: string, section: string, seats: number[], card: string, name?: string): Promise<void> {
  await toCheckout(page, section, seats, event);
  if (await page.getByRole("button", { name: "I am new here" }).isVisible()) await register(page, name);
  await pay(page, card);
}

/** Somebody with an account who uses the API alone. */
export function apiBuyer() {
  const email = `buyer-${randomUUID()}@example.com`;
  return apiUser<{ booking: { id: string } }>("register", { email, password: PASSWORD, name: "Api" });
}

/** Whose the sample's events are. */
export function apiOrganiser() {
  return apiUser<{ id: string }>("login", { email: needed("ORGANISER_EMAIL"), password: needed("ORGANISER_PASSWORD") });
}

/** An event of fifty places, on sale. */
export async function publish(organiser: Awaited<ReturnType<typeof apiOrganiser>>): Promise<string> {
  const { id } = await organiser("/api/v1/events", {
    title: "Rained Off",
    starts_at: "2031-05-01T18:00:00Z",
    ends_at: "2031-05-01T21:00:00Z",
    max_per_booking: 4,
    venue: { name: "Garden", city: "Bremen", country: "DE", timezone: "Europe/Berlin" },
    sections: [{ id: "LAWN", name: "Lawn", kind: "standing", capacity: 50, tier_id: "one" }],
    tiers: [{ id: "one", name: "One price", price: { amount: 1500, currency: "EUR" } }],
  });
  await organiser(`/api/v1/events/${id}/publish`, {});
  return id;
}

async function apiUser<T>(how: "login" | "register", who: object): Promise<(path: string, body: object) => Promise<T>> {
  const { tokens } = (await post(`/api/v1/auth/${how}`, who)) as { tokens: { access_token: string } };
  return async (path, body) => (await post(path, body, tokens.access_token)) as T;
}

async function post(path: string, body: object, token = ""): Promise<unknown> {
  const answer = await fetch(GATEWAY + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}
