/** Every page: no accessibility violation, light and dark; nothing from elsewhere; a picture at two widths. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import axe from "axe-core";
import type { Browser, Page } from "playwright-core";

import { ARENA, buy, CARDS, chooseSeats, closeBrowser, CLUB, DESKTOP, openBrowser, PASSWORD, PHONE, register, SHOP, signIn, visit, waitForStatus, waitForStep, WORKER } from "./shop.ts";

const IMAGES = process.env["IMAGES"] ?? "build/images";
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

describe("pages", () => {
  let browser: Browser;
  const foreign = new Set<string>();
  before(async () => {
    mkdirSync(IMAGES, { recursive: true });
    browser = await openBrowser();
  });
  after(() => closeBrowser(browser));

  test("of a buyer", async () => {
    const { page, context } = await looking();
    await page.goto(SHOP);
    await look(page, "find");
    await page.goto(`${SHOP}/?q=nothing+of+that+name`);
    await look(page, "find-nothing");
    await page.goto(`${SHOP}/events/${CLUB}`);
    await look(page, "club");
    await page.goto(`${SHOP}/events/00000000-0000-7000-8000-000000000000`);
    await look(page, "not-found");

    await chooseSeats(page, ARENA, "Block 14", [9, 10]);
    await look(page, "event-list");
    await page.getByRole("button", { name: "Map", exact: true }).click();
    await page.getByTestId("live").getByText("Live").waitFor();
    await look(page, "event");
    await page.getByTestId("seat-map").focus();
    await page.keyboard.press("PageDown");
    await look(page, "event-near");
    await page.getByRole("link", { name: "Continue" }).click();
    await page.waitForURL(/checkout/);
    await look(page, "checkout-who");
    await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).waitFor();
    await look(page, "checkout");
    await context.close();
  });

  test("of a booking, from the line to the refund", async () => {
    const { page, context } = await looking();
    process.kill(WORKER, "SIGSTOP");
    try {
      await buy(page, ARENA, "Block 15", [1, 2], CARDS.works);
      await waitForStatus(page, "queued");
      await look(page, "line");
    } finally {
      process.kill(WORKER, "SIGCONT");
    }
    await waitForStatus(page, "confirmed");
    await page.getByText("This page opens without a network too.").waitFor();
    await look(page, "ticket");
    await page.getByRole("button", { name: "Cancel this booking" }).click();
    await look(page, "cancel");
    await page.getByRole("button", { name: "Yes, cancel" }).click();
    await page.getByText(/^Refunded:/).waitFor();
    await look(page, "refund");
    await buy(page, ARENA, "Block 15", [5], CARDS.declined);
    await waitForStatus(page, "rejected");
    await look(page, "declined");
    await buy(page, ARENA, "Block 15", [6], CARDS.asks);
    await waitForStatus(page, "awaiting_payment");
    await look(page, "bank");
    const booking = page.url();
    const opened = context.waitForEvent("page");
    await page.getByRole("link", { name: /Confirm at your bank/ }).click();
    await (await opened).getByRole("button", { name: "Fail" }).click();
    await waitForStep(page, "pay_again");
    await look(page, "another-card");
    const support = await looking();
    await support.page.goto(`${SHOP}/sign-in?next=/support`);
    await signIn(support.page, process.env["ADMIN_EMAIL"] ?? "", process.env["ADMIN_PASSWORD"] ?? "");
    await support.page.getByLabel("Booking number").fill(booking.split("/").at(-1) ?? "");
    await support.page.getByRole("button", { name: "Look up" }).click();
    await support.page.locator("tbody tr").nth(4).waitFor();
    await look(support.page, "support");
    await support.context.close();
    await page.goto(`${SHOP}/bookings`);
    await page.locator(".rows li").nth(2).getByText("The Long Night Tour").waitFor();
    await look(page, "bookings");
    await page.goto(`${SHOP}/account`);
    await page.getByRole("button", { name: "Add an address" }).click();
    await look(page, "account");
    await context.close();
  });

  test("of an organiser", async () => {
    const { page, context } = await looking();
    await page.goto(`${SHOP}/sign-in`);
    await look(page, "sign-in");
    await signIn(page, process.env["ORGANISER_EMAIL"] ?? "", process.env["ORGANISER_PASSWORD"] ?? PASSWORD);
    await page.waitForURL(`${SHOP}/`);
    await page.goto(`${SHOP}/organiser`);
    await page.getByRole("link", { name: /The Long Night Tour/ }).first().waitFor();
    await look(page, "organiser");
    await page.goto(`${SHOP}/organiser/new`);
    await look(page, "organiser-new");
    await page.goto(`${SHOP}/organiser/events/${ARENA}`);
    await page.getByTestId("organiser.free").getByText(/\d,\d\d\d/).waitFor();
    await look(page, "organiser-sale");
    await context.close();
  });

  test("of an event load less than 200 kB of script, compressed", async () => {
    const { page, context } = await visit(browser, PHONE);
    const sizes: Promise<number>[] = [];
    page.on("requestfinished", (request) => {
      if (request.resourceType() === "script") sizes.push(request.sizes().then((size) => size.responseBodySize));
    });

    await page.goto(`${SHOP}/events/${ARENA}`);
    await page.getByTestId("live").getByText("Live").waitFor();

    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    assert.ok(sizes.length > 3 && total < 200_000, `${sizes.length} scripts, ${total} bytes`);
    await context.close();
  });

  test("in German say nothing in English", async () => {
    const { page, context } = await visit(browser, { ...DESKTOP, locale: "de-DE" });
    await page.goto(`${SHOP}/events/${ARENA}`);

    await page.getByRole("heading", { name: "Plätze wählen" }).waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    assert.equal(await page.getByText("Your choice").count(), 0);
    await context.close();
  });

  test("asked nobody but this platform for anything", () => {
    assert.deepEqual([...foreign], []);
  });

  async function looking() {
    const opened = await visit(browser);
    opened.page.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^(https?|wss?):$/.test(protocol) && hostname !== "localhost") foreign.add(request.url());
    });
    return opened;
  }
});

async function look(page: Page, name: string): Promise<void> {
  await page.waitForFunction(() => document.title !== "");
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await violations(page), [], `${name}, ${colorScheme}`);
  }
  for (const [width, { viewport }] of [["phone", PHONE], ["desktop", DESKTOP]] as const) {
    if (viewport) await page.setViewportSize(viewport);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name}, ${width}: the page is ${wide} px wider than the screen`);
    await page.screenshot({ path: join(IMAGES, `${name}-${width}.jpg`), type: "jpeg", quality: 68 });
  }
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async (tags) => {
    const { axe: loaded } = window as unknown as { axe: typeof import("axe-core") };
    return (await loaded.run(document, { runOnly: tags })).violations;
  }, WCAG);
  return found.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary ?? ""}`).join("; ")}`);
}
