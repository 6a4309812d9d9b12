/** Buyers who press again, change their minds, go back, use two tabs: nothing is bought twice, nothing is lost, and every page
 *  says what became of the money and what to do next. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Browser, Page } from "playwright-core";

import { apiOrganiser, ARENA, bookings, buy, CARDS, closeBrowser, CLUB, GATEWAY_PROCESS, openBrowser, PASSWORD, pay, PHONE, publish, register, SHOP, signIn, toCheckout, visit, waitForStatus, WORKER } from "./shop.ts";

/** Of one order, by itself (purchase/order.ts). */
const TRIES = 4;

describe("a buyer in a hurry", () => {
  let browser: Browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => closeBrowser(browser));

  test("whose order was never answered can send that order again, and no other", async () => {
    const { page, context } = await visit(browser, PHONE);
    const orders = await deaf(page, TRIES);

    await toCheckout(page, "Block 11", [1]);
    await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).click();
    const failure = page.getByRole("alert").filter({ hasText: "No connection" });
    await failure.getByText("Nothing is charged twice").waitFor();
    assert.equal(await page.getByRole("button", { name: /^Order and pay/ }).count(), 0);
    await failure.getByRole("button", { name: "Send it again" }).click();
    await waitForStatus(page, "confirmed");

    assert.equal(orders.keys.size, 1);
    assert.equal(orders.sent, TRIES + 1);
    assert.equal(await bookings(page), 1);
    await context.close();
  });

  test("who chose anew after an order without an answer is shown that one first, and keeps the new choice", async () => {
    const { page, context } = await visit(browser);
    await deaf(page, TRIES);

    await toCheckout(page, "Block 11", [3]);
    await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).click();
    await page.getByRole("button", { name: "Send it again" }).waitFor();
    await toCheckout(page, "Block 11", [4]);
    await page.getByText("An order of yours for this event is still open.").waitFor();
    await page.getByText("Block 11, row 1, seat 3").waitFor();
    assert.equal(await page.getByText("Block 11, row 1, seat 4").count(), 0);
    await page.getByRole("button", { name: "Send it again" }).click();
    await waitForStatus(page, "confirmed");
    await page.getByRole("link", { name: "The Long Night Tour" }).click();
    await page.getByText("Block 11, row 1, seat 4").waitFor();

    assert.equal(await bookings(page), 1);
    await context.close();
  });

  test("who presses twice orders once", async () => {
    const { page, context } = await visit(browser);
    const orders = await deaf(page, 0);

    await toCheckout(page, "Block 11", [6]);
    await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).dblclick();
    await waitForStatus(page, "confirmed");

    assert.equal(orders.sent, 1);
    await context.close();
  });

  test("who orders in two tabs orders once, and each tab comes to that booking", async () => {
    const { page, context } = await visit(browser);
    await page.goto(`${SHOP}/events/${CLUB}`);
    await page.getByRole("button", { name: /^Add/ }).click();
    await page.getByRole("link", { name: "Continue" }).click();
    await register(page);
    const other = await context.newPage();
    await page.getByRole("button", { name: /^Order and pay €50/ }).waitFor();
    await other.goto(`${SHOP}/events/${CLUB}/checkout`);
    await other.getByRole("button", { name: /^Order and pay €50/ }).waitFor();

    process.kill(GATEWAY_PROCESS, "SIGSTOP");
    try {
      await page.getByRole("button", { name: /^Order and pay/ }).click();
      await page.getByRole("button", { name: "One moment" }).waitFor();
      await other.getByRole("button", { name: /^Order and pay/ }).click();
      await other.getByRole("button", { name: "One moment" }).waitFor();
    } finally {
      process.kill(GATEWAY_PROCESS, "SIGCONT");
    }
    await Promise.all([page, other].map((tab) => waitForStatus(tab, "confirmed")));

    assert.equal(page.url(), other.url());
    assert.equal(await bookings(page), 1);
    await context.close();
  });

  test("who goes back from the booking is told where the order is", async () => {
    const { page, context } = await visit(browser, PHONE);

    await buy(page, ARENA, "Block 12", [1], CARDS.works);
    await waitForStatus(page, "confirmed");
    const booking = page.url();
    await page.goBack();
    await page.getByText("You have not chosen anything yet.").waitFor();
    await page.getByRole("link", { name: "See what you ordered for this event" }).click();
    await waitForStatus(page, "confirmed");

    assert.equal(page.url(), booking);
    await context.close();
  });

  test("whose session ends while paying signs in over the page, and goes on", async () => {
    const { page, context } = await visit(browser, PHONE);
    await toCheckout(page, "Block 12", [3]);
    const email = await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).waitFor();
    const other = await context.newPage();
    await other.goto(`${SHOP}/account`);
    await other.getByRole("button", { name: "Sign out" }).click();
    await other.waitForURL(`${SHOP}/`);

    await page.getByRole("button", { name: /^Order and pay/ }).click();
    await page.getByRole("alert").filter({ hasText: "You are not signed in any more." }).getByText("Nothing was charged.").waitFor();
    const dialog = page.getByRole("dialog", { name: "You are not signed in any more" });
    await signIn(page, email, PASSWORD);
    await dialog.waitFor({ state: "detached" });
    await pay(page, CARDS.works);
    await waitForStatus(page, "confirmed");
    await context.close();
  });

  test("who signs out without a network is told that nobody is signed out", async () => {
    const { page, context } = await visit(browser);
    await page.goto(`${SHOP}/sign-in`);
    await register(page);
    await page.waitForURL(`${SHOP}/`);

    await context.setOffline(true);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText(/^You are still signed in/).waitFor();
    await context.setOffline(false);
    await page.getByRole("button", { name: "Sign out" }).click();

    await page.getByRole("link", { name: "Sign in" }).waitFor();
    await context.close();
  });

  test("leaves nothing for whoever signs in next", async () => {
    const { page, context } = await visit(browser);
    const orders = await deaf(page, TRIES);
    await toCheckout(page, "Block 12", [5]);
    await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).click();
    await page.getByRole("button", { name: "Send it again" }).waitFor();

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(`${SHOP}/`);
    await page.goto(`${SHOP}/events/${ARENA}/checkout`);
    await register(page, "Somebody Else");
    await page.getByRole("button", { name: /^Order and pay/ }).waitFor();

    assert.equal(orders.sent, TRIES);
    await context.close();
  });

  test("whose event is cancelled while the bank asks, or in line, is told that nothing was charged", async () => {
    const organiser = await apiOrganiser();
    const id = await publish(organiser);
    const [asked, waiting] = [await visit(browser, PHONE), await visit(browser)];

    await buyAtDoor(asked.page, id, CARDS.asks);
    await waitForStatus(asked.page, "awaiting_payment");
    process.kill(WORKER, "SIGSTOP");
    try {
      await buyAtDoor(waiting.page, id, CARDS.works);
      await waitForStatus(waiting.page, "queued");
      await organiser(`/api/v1/events/${id}/cancel`, { reason: "The band is ill." });
    } finally {
      process.kill(WORKER, "SIGCONT");
    }

    for (const { page, context } of [asked, waiting]) {
      await waitForStatus(page, "cancelled", "rejected");
      await page.getByText("The organiser has cancelled the event.").waitFor();
      await page.getByText(/Nothing was charged|Whatever was charged is refunded in full|^Refunded/).first().waitFor();
      await context.close();
    }
  });

  test("who orders too often has charged nothing, keeps the choice, and is told to wait", async () => {
    const { page, context } = await visit(browser);
    await toCheckout(page, "Block 13", [7]);
    await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).waitFor();
    await page.evaluate(async () => {
      const order = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
      for (let status = 0; status !== 429; ) status = (await fetch("/api/v1/bookings", order)).status;
    });

    await page.getByRole("button", { name: /^Order and pay/ }).click();
    const failure = page.getByRole("alert").filter({ hasText: "That was too often in a short time." });
    await failure.getByText("Nothing was charged.").waitFor();
    await failure.getByText("Wait a minute, then try again.").waitFor();

    await page.getByText("Block 13, row 1, seat 7").waitFor();
    await page.getByRole("button", { name: /^Order and pay/ }).waitFor();
    await context.close();
  });
});

async function buyAtDoor(page: Page, event: string, card: string): Promise<void> {
  await page.goto(`${SHOP}/events/${event}`);
  await page.getByRole("button", { name: /^Add/ }).click();
  await page.getByRole("link", { name: "Continue" }).click();
  await register(page);
  await pay(page, card);
}

/** Orders of a page; so many of them arrive, but their answers do not. */
async function deaf(page: Page, many: number): Promise<{ sent: number; keys: Set<string> }> {
  const orders = { sent: 0, keys: new Set<string>() };
  await page.route("**/api/v1/bookings", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    orders.keys.add(route.request().headers()["idempotency-key"] ?? "");
    if (orders.sent++ >= many) return route.continue();
    await route.fetch();
    return route.abort();
  });
  return orders;
}
