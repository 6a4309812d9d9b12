/** The purchase, as people make it: in a hurry, with bad cards, on bad networks, without a mouse. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Browser, Locator, Page } from "playwright-core";

import { apiBuyer, ARENA, buy, CARDS, chooseSeats, closeBrowser, CLUB, openBrowser, pay, PHONE, register, SHOP, visit, waitForStatus, waitForStep, WORKER } from "./shop.ts";

describe("a purchase", () => {
  let browser: Browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => closeBrowser(browser));

  test("goes from finding an event to a ticket in four screens, and back to a refund", async () => {
    const { page, context } = await visit(browser, PHONE);
    const screens = new Set<string>();
    page.on("framenavigated", (frame) => {
      if (frame === page.mainFrame()) screens.add(new URL(frame.url()).pathname);
    });

    await page.goto(SHOP);
    await page.getByLabel("What").fill("Long Night");
    await page.getByRole("button", { name: "Find events" }).click();
    await page.getByRole("link", { name: /The Long Night Tour/ }).click();
    await page.getByRole("combobox", { name: "Section" }).selectOption("S2");
    await page.getByRole("combobox", { name: "Places" }).selectOption("2");
    await page.getByRole("button", { name: /^Add/ }).click();
    await page.getByRole("link", { name: "Continue" }).click();
    await register(page);
    await page.getByText("Block 2, best 2 seats").waitFor();
    await pay(page, CARDS.works);
    await waitForStatus(page, "confirmed");

    assert.equal(await page.locator("[data-qr]").count(), 2);
    assert.equal(new Set(await page.locator("[data-qr]").evaluateAll((all) => all.map((one) => one.getAttribute("data-qr")))).size, 2);
    assert.ok(screens.size <= 5, [...screens].join(" "));

    await page.getByRole("link", { name: "My bookings" }).click();
    await page.getByRole("link", { name: /The Long Night Tour.*confirmed/ }).click();
    await page.getByRole("button", { name: "Cancel this booking" }).click();
    await page.getByRole("button", { name: "Yes, cancel" }).click();
    await waitForStatus(page, "cancelled");
    await page.getByText("Refunded: €258.00").waitFor();
    await context.close();
  });

  test("with a declined card says that nothing was charged, and goes on with another card", async () => {
    const { page, context } = await visit(browser);

    await buy(page, ARENA, "Block 3", [1, 2], CARDS.declined);
    await waitForStatus(page, "rejected");
    const said = await page.locator(".notice-error").innerText();
    await page.getByRole("button", { name: "Try another card" }).click();
    await page.waitForURL(/checkout/);
    await page.getByText("Block 3, row 1, seat 2").waitFor();
    await pay(page, CARDS.works);
    await waitForStatus(page, "confirmed");

    assert.match(said, /declined the card/);
    assert.match(said, /Nothing was charged/);
    assert.equal(await page.locator("[data-qr]").count(), 2);
    await context.close();
  });

  test("with 3-D Secure holds the seats, shows the clock, and goes on by itself after the bank's page", async () => {
    const { page, context } = await visit(browser);

    await buy(page, ARENA, "Block 4", [5], CARDS.asks);
    await waitForStatus(page, "awaiting_payment");
    assert.match(await page.getByRole("timer").innerText(), /^\d+:\d\d$/);
    const opened = context.waitForEvent("page");
    await page.getByRole("link", { name: /Confirm at your bank/ }).click();
    const bank = await opened;
    await bank.getByRole("button", { name: "Approve" }).click();
    await waitForStatus(page, "confirmed");

    assert.equal(await page.locator("[data-qr]").count(), 1);
    await context.close();
  });

  test("with 3-D Secure that fails keeps its seats, and is paid with another card", async () => {
    const { page, context } = await visit(browser);

    await buy(page, ARENA, "Block 4", [6], CARDS.asks);
    await waitForStatus(page, "awaiting_payment");
    const opened = context.waitForEvent("page");
    await page.getByRole("link", { name: /Confirm at your bank/ }).click();
    await (await opened).getByRole("button", { name: "Fail" }).click();
    await waitForStep(page, "pay_again");
    const said = await page.locator(".notice-error").innerText();
    await page.reload();
    await waitForStep(page, "pay_again");
    assert.match(await page.getByRole("timer").innerText(), /^\d+:\d\d$/);
    await payWith(page, CARDS.declined);
    await page.getByText("Your bank declined the card.").waitFor();
    await payWith(page, CARDS.works);
    await waitForStatus(page, "confirmed");

    assert.match(said, /did not recognise you/);
    assert.match(said, /With that card nothing was charged/);
    assert.match(said, /seats are still held/);
    assert.equal(await page.locator("[data-qr]").count(), 1);
    await context.close();
  });

  test("may change the card while the bank waits, and is charged once", async () => {
    const { page, context } = await visit(browser);

    await buy(page, ARENA, "Block 4", [7], CARDS.asks);
    await waitForStatus(page, "awaiting_payment");
    await page.getByRole("button", { name: "Pay with another card instead" }).click();
    await payWith(page, CARDS.works);
    await waitForStatus(page, "confirmed");

    await page.getByText(/^Paid: €/).waitFor();
    await context.close();
  });

  test("goes on in two tabs whose session ends at the same moment", async () => {
    const { page, context } = await visit(browser);
    await page.goto(`${SHOP}/sign-in`);
    await register(page);
    await page.waitForURL(`${SHOP}/`);
    const other = await context.newPage();

    // What is left of the session is the refresh token, which works once.
    await context.addCookies([{ name: "ticketing_access", value: "stale", url: SHOP, httpOnly: true }]);
    const refreshed = (await context.cookies(`${SHOP}/api`)).find(({ name }) => name === "ticketing_refresh")?.value;
    await Promise.all([page, other].map((tab) => tab.goto(`${SHOP}/account`)));
    await Promise.all([page, other].map((tab) => tab.getByLabel("Phone").waitFor()));
    await page.goto(`${SHOP}/bookings`);
    await page.getByText("No bookings yet.").waitFor();

    const now = (await context.cookies(`${SHOP}/api`)).find(({ name }) => name === "ticketing_refresh")?.value;
    assert.notEqual(now, refreshed);
    await context.close();
  });

  test("loses a seat to another window's buyer before their eyes, not at the till", async () => {
    const [slow, quick] = [await visit(browser), await visit(browser)];

    await chooseSeats(slow.page, ARENA, "Block 5", [7, 8]);
    await slow.page.getByTestId("live").getByText("Live").waitFor();
    await buy(quick.page, ARENA, "Block 5", [7], CARDS.works);
    await waitForStatus(quick.page, "confirmed");
    await slow.page.getByText(/Somebody was quicker: Block 5/).waitFor();

    assert.equal(await slow.page.getByText("Block 5, row 1, seat 7").count(), 0);
    assert.equal(await slow.page.getByText("Block 5, row 1, seat 8").count(), 1);
    await slow.context.close();
    await quick.context.close();
  });

  test("keeps its choice through a reload and a sign-in", async () => {
    const { page, context } = await visit(browser);

    await chooseSeats(page, ARENA, "Block 6", [3]);
    await page.reload();
    await page.getByText("Block 6, row 1, seat 3").waitFor();
    await page.getByRole("link", { name: "Continue" }).click();
    await register(page);
    await page.getByRole("heading", { name: "Card" }).waitFor();
    await page.reload();
    await page.getByText("Block 6, row 1, seat 3").waitFor();

    await page.getByRole("button", { name: /^Order and pay/ }).waitFor();
    await context.close();
  });

  test("loses nothing by a reload at any of its steps", async () => {
    const { page, context } = await visit(browser, PHONE);
    const reloaded = async (shows: Locator) => {
      await shows.waitFor();
      await page.reload();
      await shows.waitFor();
    };
    const seat = page.getByText("Block 10, row 1, seat 4").first();

    await chooseSeats(page, ARENA, "Block 10", [4]);
    await reloaded(seat);
    await page.getByRole("link", { name: "Continue" }).click();
    await page.waitForURL(/checkout/);
    await reloaded(seat);
    await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).waitFor();
    await reloaded(seat);
    process.kill(WORKER, "SIGSTOP");
    try {
      await pay(page, CARDS.asks);
      await reloaded(page.locator('h1[data-status="queued"]'));
    } finally {
      process.kill(WORKER, "SIGCONT");
    }
    await reloaded(page.getByRole("link", { name: /Confirm at your bank/ }));
    const opened = context.waitForEvent("page");
    await page.getByRole("link", { name: /Confirm at your bank/ }).click();
    const bank = await opened;
    await bank.reload();
    await bank.getByRole("button", { name: "Approve" }).click();
    await reloaded(page.locator('h1[data-status="confirmed"]'));

    await page.locator("[data-qr]").waitFor();
    await context.close();
  });

  test("survives reloads in line and a network that goes away, and the ticket opens without one", async () => {
    const { page, context } = await visit(browser, PHONE);

    process.kill(WORKER, "SIGSTOP");
    try {
      await buy(page, ARENA, "Block 7", [1], CARDS.works);
      await waitForStatus(page, "queued");
      await page.reload();
      await waitForStatus(page, "queued");
      await page.getByText("Your number").waitFor();
      await context.setOffline(true);
      await page.getByText(/You are offline/).waitFor();
    } finally {
      process.kill(WORKER, "SIGCONT");
    }
    await context.setOffline(false);
    await waitForStatus(page, "confirmed");
    const code = await page.locator("[data-qr]").getAttribute("data-qr");

    await page.getByText("This page opens without a network too.").waitFor();
    await context.setOffline(true);
    await page.reload();
    await waitForStatus(page, "confirmed");
    assert.equal(await page.locator("[data-qr]").getAttribute("data-qr"), code);
    await context.close();
  });

  test("sent into a network that fails arrives once all the same", async () => {
    const { page, context } = await visit(browser);
    let cut = 0;
    // The order arrives, its answer does not.
    await page.route("**/api/v1/bookings", async (route) => {
      if (route.request().method() !== "POST" || cut++) return route.continue();
      await route.fetch();
      return route.abort();
    });

    await buy(page, ARENA, "Block 8", [1], CARDS.works);
    await waitForStatus(page, "confirmed");
    await page.goto(`${SHOP}/bookings`);
    await page.getByRole("link", { name: /The Long Night Tour/ }).first().waitFor();

    assert.equal(cut, 2);
    assert.equal(await page.locator(".rows li").count(), 1);
    await context.close();
  });

  test("turned away by a full line has charged nothing, and goes out again with one press", async () => {
    const { page, context } = await visit(browser);
    let orders = 0;
    const problem = { type: "/problems/queue-full", title: "Queue full", status: 503, detail: "", instance: "", reason: "queue-full", field: null, retry_after_s: 5 };
    await page.route("**/api/v1/bookings", (route) => {
      const isFirst = route.request().method() === "POST" && !orders++;
      return isFirst ? route.fulfill({ status: 503, json: problem }) : route.continue();
    });

    await chooseSeats(page, ARENA, "Block 8", [5]);
    await page.getByRole("link", { name: "Continue" }).click();
    await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).click();
    const notice = page.getByRole("alert").filter({ hasText: "As many wait for this event as may." });
    await notice.getByText("Nothing was charged.").waitFor();
    await pay(page, CARDS.works);
    await waitForStatus(page, "confirmed");

    assert.equal(orders, 2);
    await context.close();
  });

  test("works with the keyboard alone", async () => {
    const { page, context } = await visit(browser);
    await page.goto(SHOP);
    await tabTo(page, "What");
    await page.keyboard.type("Long Night");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=Long/);
    await tabTo(page, /The Long Night Tour/);
    await page.keyboard.press("Enter");
    await page.getByTestId("live").getByText("Live").waitFor();

    await tabTo(page, "seat map");
    await page.keyboard.press("PageDown");
    for (let section = 1; section < 9; section++) await page.keyboard.press("PageDown");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByText("Block 9, row 1, seat 2").first().waitFor();
    await page.getByText("Block 9, row 2, seat 2").first().waitFor();
    await tabTo(page, "Continue");
    await page.keyboard.press("Enter");
    await page.waitForURL(/checkout/);
    await tabTo(page, "I am new here");
    await page.keyboard.press("Enter");
    await tabTo(page, "Name");
    await page.keyboard.type("Grace Hopper");
    await page.keyboard.press("Tab");
    await page.keyboard.type(`keys-${Date.now()}@example.com`);
    await page.keyboard.press("Tab");
    await page.keyboard.type("a long password");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: /^Order and pay/ }).waitFor();
    await tabTo(page, /^Order and pay/);
    await page.keyboard.press("Enter");
    await waitForStatus(page, "confirmed");
    assert.equal(await page.locator("[data-qr]").count(), 2);

    await tabTo(page, "Cancel this booking");
    await page.keyboard.press("Enter");
    // The question has the focus; its answer is the key that was pressed.
    await page.getByRole("button", { name: "Yes, cancel" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByText(/^Refunded:/).waitFor();
    await context.close();
  });

  test("of standing places works from the club's page", async () => {
    const { page, context } = await visit(browser, PHONE);

    await page.goto(`${SHOP}/events/${CLUB}`);
    await page.getByRole("button", { name: /^Add/ }).click();
    await page.getByRole("link", { name: "Continue" }).click();
    await register(page);
    await pay(page, CARDS.slow);
    await waitForStatus(page, "confirmed");

    assert.equal(await page.locator("[data-qr]").count(), 2);
    await context.close();
  });

  test("by touch on the map comes closer first, then chooses", async () => {
    const { page, context } = await visit(browser, PHONE);
    await page.goto(`${SHOP}/events/${ARENA}`);
    await page.getByTestId("live").getByText("Live").waitFor();
    const map = page.getByTestId("seat-map");
    await map.scrollIntoViewIfNeeded();
    const box = await map.boundingBox();
    assert.ok(box);

    // Into a block of the middle, not between two.
    await page.touchscreen.tap(box.x + box.width / 2 + 20, box.y + box.height / 2);
    assert.equal(await page.locator(".lines li").count(), 0);
    await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2);

    await page.locator(".lines li").waitFor();
    await context.close();
  });

  test("of somebody else is not found, nor is one that never was", async () => {
    const { page, context } = await visit(browser);
    const stranger = await apiBuyer();
    const areas = [{ section_id: "FLOOR", quantity: 1 }];
    const { booking } = await stranger("/api/v1/bookings", { event_id: CLUB, areas, payment_method: CARDS.works });

    await page.goto(`${SHOP}/sign-in`);
    await register(page);
    await page.waitForURL(`${SHOP}/`);
    for (const id of [booking.id, "00000000-0000-7000-8000-000000000000", "<script>alert(1)</script>"]) {
      await page.goto(`${SHOP}/bookings/${encodeURIComponent(id)}`);
      await page.getByText("You have no booking of that number.").waitFor();
    }
    await context.close();
  });
});

/** Another card for a booking that has its number already. */
async function payWith(page: Page, card: string): Promise<void> {
  await page.locator(`input[value="${card}"]`).check();
  await page.getByRole("button", { name: /^Pay €/ }).click();
}

/** Moves on with Tab until what has the focus is called that. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement | null;
      const label = (element as HTMLInputElement | null)?.labels?.[0]?.textContent;
      return element?.getAttribute("aria-roledescription") ?? label ?? element?.innerText ?? "";
    });
    if (typeof name === "string" ? focused.trim() === name : name.test(focused.trim())) return;
  }
  assert.fail(`Tab never reached ${String(name)}`);
}
