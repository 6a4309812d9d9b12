/** What a buyer sees while the network, the gateway or the phone's clock fails: what became of the money, what to do next, and
 *  that nothing is lost. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Browser } from "playwright-core";

import { ARENA, bookings, buy, CARDS, chooseSeats, closeBrowser, GATEWAY_PROCESS, openBrowser, PHONE, register, SHOP, toCheckout, visit, waitForStatus } from "./shop.ts";

const PAYMENT_WINDOW_MS = 600_000;

describe("a buyer whom something fails", () => {
  let browser: Browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => closeBrowser(browser));

  test("whose page does not load is told that nothing is lost, in a page that goes on by itself", async () => {
    const { page, context } = await visit(browser, PHONE);
    await chooseSeats(page, ARENA, "Block 12", [7]);
    await page.evaluate(() => navigator.serviceWorker.ready);

    await context.setOffline(true);
    await page.getByRole("link", { name: "Continue" }).click();
    await page.getByRole("heading", { name: "No connection" }).waitFor();
    await page.getByText(/nothing is charged twice/).waitFor();
    await context.setOffline(false);

    await page.getByText("Block 12, row 1, seat 7").waitFor();
    assert.match(page.url(), /checkout$/);
    await context.close();
  });

  test("who meets a gateway that hangs is told so, and what was sent is bought once it is back", async () => {
    const { page, context } = await visit(browser, PHONE);
    await toCheckout(page, "Block 13", [1]);
    await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).waitFor();

    process.kill(GATEWAY_PROCESS, "SIGSTOP");
    try {
      await page.getByRole("button", { name: /^Order and pay/ }).click();
      await page.getByText("Nothing is charged twice").waitFor();
      const stranger = await visit(browser);
      await stranger.page.goto(`${SHOP}/events/${ARENA}`);
      await stranger.page.getByText("The ticket office does not answer at this moment.").waitFor();
      await stranger.context.close();
    } finally {
      process.kill(GATEWAY_PROCESS, "SIGCONT");
    }
    await page.getByRole("button", { name: "Send it again" }).click();
    await waitForStatus(page, "confirmed");

    assert.equal(await bookings(page), 1);
    await context.close();
  });

  test("whose bookings do not load tries again with one press", async () => {
    // What a worker in the browser asks for passes by `route`.
    const { page, context } = await visit(browser, { ...PHONE, serviceWorkers: "block" });
    await page.goto(`${SHOP}/sign-in`);
    await register(page);
    await page.waitForURL(`${SHOP}/`);

    await page.route("**/api/v1/bookings?*", (route) => route.abort());
    await page.goto(`${SHOP}/bookings`);
    const failure = page.getByRole("alert").filter({ hasText: "No connection." });
    await failure.getByText("This changes nothing about bookings and money.").waitFor();
    await page.unroute("**/api/v1/bookings?*");
    await failure.getByRole("button", { name: "Try again" }).click();

    await page.getByText("No bookings yet.").waitFor();
    await context.close();
  });

  test("shows the ticket at the door while nothing answers", async () => {
    const { page, context } = await visit(browser, PHONE);
    await buy(page, ARENA, "Block 13", [3], CARDS.works);
    await page.getByText("This page opens without a network too.").waitFor();

    process.kill(GATEWAY_PROCESS, "SIGSTOP");
    try {
      await page.reload();
      await waitForStatus(page, "confirmed");
      await page.locator("[data-qr]").waitFor();
    } finally {
      process.kill(GATEWAY_PROCESS, "SIGCONT");
    }
    await context.close();
  });

  test("on a phone whose clock is wrong has as much time to pay as everybody, and is told when it is over", async () => {
    const { page, context } = await visit(browser, PHONE);
    await page.clock.install({ time: Date.now() + 2 * PAYMENT_WINDOW_MS });

    await buy(page, ARENA, "Block 13", [5], CARDS.asks);
    await waitForStatus(page, "awaiting_payment");
    assert.match(await page.getByRole("timer").innerText(), /^(9:\d\d|10:00)$/);
    await page.getByRole("button", { name: "Pay with another card instead" }).click();
    await page.clock.fastForward(PAYMENT_WINDOW_MS);
    await page.getByText("The time to pay is over, and the seats go to others.").waitFor();
    await page.getByText(/^Nothing is charged any more/).waitFor();

    assert.equal(await page.getByRole("button", { name: /^Pay €/ }).count(), 0);
    await context.close();
  });

  test("whose other card is not answered is told that one payment is all there can be", async () => {
    const { page, context } = await visit(browser);
    await buy(page, ARENA, "Block 13", [9], CARDS.asks);
    await waitForStatus(page, "awaiting_payment");
    await page.route("**/payment", (route) => route.abort());

    await page.getByRole("button", { name: "Pay with another card instead" }).click();
    await page.locator(`input[value="${CARDS.works}"]`).check();
    await page.getByRole("button", { name: /^Pay €/ }).click();
    await page.getByRole("alert").filter({ hasText: "No connection." }).getByText(/You pay once, however often you try/).waitFor();
    await page.unroute("**/payment");
    await page.getByRole("button", { name: /^Pay €/ }).click();
    await waitForStatus(page, "confirmed");

    await page.getByText(/^Paid: €/).waitFor();
    await context.close();
  });
});
