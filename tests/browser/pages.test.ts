/** Every page is looked at (looks.ts), asks nobody but us, and brings no more than it needs. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Browser } from "playwright-core";

import { difference, drag, drawn, look, pixels } from "./looks.ts";
import german from "../../services/frontend/messages/de.json" with { type: "json" };
import { ARENA, buy, CARDS, chooseSeats, closeBrowser, CLUB, DESKTOP, openBrowser, PASSWORD, PHONE, register, SHOP, signIn, visit, waitForStatus, waitForStep, WORKER } from "./shop.ts";

describe("pages", () => {
  let browser: Browser;
  const foreign = new Set<string>();
  before(async () => {
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
    await page.route("**/api/v1/bookings", (route) => route.fulfill({ status: 502 }));
    await page.getByRole("button", { name: /^Order and pay/ }).click();
    await page.getByRole("button", { name: "Send it again" }).waitFor();
    await look(page, "order-open");
    await page.unroute("**/api/v1/bookings");
    await context.clearCookies();
    await page.getByRole("button", { name: "Send it again" }).click();
    await page.getByRole("dialog").waitFor();
    await look(page, "sign-in-again");
    await page.goto(`${SHOP}/offline`);
    await look(page, "offline");
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
    await look(page, "cancel", page.getByRole("button", { name: "No, keep it" }));
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

  test("of an event load less than 200 kB of script, compressed, and no words of another language", async () => {
    const { page, context } = await visit(browser, PHONE);
    const sizes: Promise<number>[] = [];
    const texts: Promise<string | undefined>[] = [];
    page.on("requestfinished", (request) => {
      if (request.resourceType() !== "script") return;
      sizes.push(request.sizes().then((size) => size.responseBodySize));
      texts.push(request.response().then((response) => response?.text()));
    });

    await page.goto(`${SHOP}/events/${ARENA}`);
    await page.getByTestId("live").getByText("Live").waitFor();

    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    assert.ok(sizes.length > 3 && total < 200_000, `${sizes.length} scripts, ${total} bytes`);
    assert.ok(!(await Promise.all(texts)).join().includes(german["choice.lost.next"]));
    await context.close();
  });

  test("of an event show the house where it was dragged to as if it had been painted there", async () => {
    const { page, context } = await visit(browser);
    await page.goto(`${SHOP}/events/${ARENA}`);
    await page.getByTestId("live").getByText("Live").waitFor();
    const map = page.getByTestId("seat-map");

    for (const zooms of [0, 2]) {
      for (let at = 0; at < zooms; at++) await page.getByRole("button", { name: "Zoom in" }).click();
      await drag(page, map, [0, -40]);
      await drag(page, map, [70, 90]);
      const moved = await pixels(map);
      // Other colours and back: what was painted ahead is thrown away.
      await page.emulateMedia({ colorScheme: "dark" });
      await drawn(page);
      const dark = await pixels(map);
      await page.emulateMedia({ colorScheme: "light" });
      await drawn(page);
      const anew = await pixels(map);

      assert.ok(difference(moved, anew) < 1, `${difference(moved, anew)} a channel, after ${zooms} zooms`);
      assert.ok(difference(dark, anew) > 3, "dark looks like light");
    }
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
