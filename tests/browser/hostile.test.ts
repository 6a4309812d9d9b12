/** Input that means no good: it is text, or it is not found; and what a browser keeps is not believed. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Browser, Page } from "playwright-core";

import { apiBuyer, ARENA, buy, CARDS, closeBrowser, CLUB, openBrowser, PHONE, register, SHOP, visit, waitForStatus } from "./shop.ts";

const SCRIPT = `"><script>document.title="hacked"</script><img src=x onerror="document.title='hacked'">`;
const NOBODYS = "00000000-0000-7000-8000-000000000000";

describe("hostile input", () => {
  let browser: Browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => closeBrowser(browser));

  test("in a name, an address and a search is text", async () => {
    const { page, context } = await visit(browser, PHONE);
    await page.goto(`${SHOP}/sign-in`);
    await register(page, SCRIPT.slice(0, 100));
    await page.waitForURL(`${SHOP}/`);

    await page.goto(`${SHOP}/account`);
    await page.getByRole("button", { name: "Add an address" }).click();
    for (const field of ["Name of the address", "Street and number", "Postal code", "City"]) await page.getByLabel(field).fill(SCRIPT.slice(0, 20));
    await page.getByLabel("Country").fill("DE");
    await page.getByRole("button", { name: "Save" }).last().click();
    await page.locator(".addresses li", { hasText: "<script" }).waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), SCRIPT.slice(0, 100));
    await harmless(page);

    for (const query of [SCRIPT, "x".repeat(5000), "' OR 1=1 --", "%00", "\u202e\ud83d\ude00"]) {
      await page.goto(`${SHOP}/?q=${encodeURIComponent(query)}&city=${encodeURIComponent(query)}&from=${encodeURIComponent(query)}&cursor=nonsense`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await harmless(page);
    }
    await context.close();
  });

  test("in an event's words is text, however long, and no page is wider than the screen for it", async () => {
    const { page, context } = await visit(browser, PHONE);
    await page.goto(`${SHOP}/sign-in?next=/organiser/new`);
    await register(page, "Somebody", { organiser: true });
    await page.getByLabel("Title").fill(SCRIPT + "W".repeat(60));
    await page.getByLabel("Description").fill(`${SCRIPT}${"M".repeat(4000)}`);
    await page.getByLabel("Starts").fill("2031-05-01T20:00");
    await page.getByLabel("Ends").fill("2031-05-01T23:00");
    await page.getByLabel("Venue").fill(`${SCRIPT.slice(0, 40)}${"I".repeat(60)}`);
    await page.getByLabel("City").fill(`${SCRIPT.slice(0, 20)}${"C".repeat(40)}`);
    await page.getByLabel("Country").fill("DE");
    await page.getByLabel("Name of section 1").fill(`${SCRIPT.slice(0, 20)}${"S".repeat(40)}`);
    await page.getByLabel("Amount of price 1").fill("1");
    await page.getByRole("button", { name: "Save as draft" }).click();
    await page.getByRole("button", { name: "Publish" }).click();
    await page.getByRole("link", { name: "Buyers' page" }).waitFor();
    const id = page.url().split("/").at(-1) ?? "";

    for (const path of [`/organiser/events/${id}`, "/organiser", `/events/${id}`]) {
      await page.goto(SHOP + path);
      await page.getByText("<script").first().waitFor();
      await harmless(page);
    }
    await page.getByTestId("live").getByText("Live").waitFor();
    await page.getByRole("button", { name: /^Add/ }).click();
    await page.getByRole("link", { name: "Continue" }).click();
    await page.getByRole("button", { name: /^Order and pay/ }).waitFor();
    await harmless(page);
    await page.goto(`${SHOP}/organiser/events/${id}`);
    await page.getByRole("button", { name: "Cancel the event" }).click();
    await page.getByRole("button", { name: "Yes, cancel and refund everybody" }).click();
    await page.getByText("This event has been cancelled.").waitFor();
    await context.close();
  });

  test("in an address is not found", async () => {
    const { page, context } = await visit(browser);
    const paths = [`/events/${NOBODYS}`, "/events/nonsense", `/events/${encodeURIComponent(SCRIPT)}`, `/events/${NOBODYS}/checkout`, "/events/..%2f..%2fapi%2fsession", "/nothing/of/ours"];

    for (const path of paths) {
      const answer = await page.goto(SHOP + path);
      assert.equal(answer?.status(), 404, path);
      await page.getByRole("heading", { name: "Not found" }).waitFor();
      await harmless(page);
    }
    for (const path of ["/api/v1/auth/login", "/api/v1/../internal", "/api/v1/nothing", `/api/events/${encodeURIComponent("../../x")}/seats`]) {
      assert.equal((await page.request.get(SHOP + path)).status(), 404, path);
    }
    await context.close();
  });

  test("that claims to be somebody else is told what everybody is told", async () => {
    const { page, context } = await visit(browser);
    const stranger = await apiBuyer();
    const areas = [{ section_id: "FLOOR", quantity: 1 }];
    const { booking } = await stranger("/api/v1/bookings", { event_id: CLUB, areas, payment_method: CARDS.works });
    await page.goto(`${SHOP}/sign-in`);
    await register(page);
    await page.waitForURL(`${SHOP}/`);
    const forged = { id: NOBODYS, name: "Root", email: "root@example.com", roles: ["admin", "organiser"] };
    const value = Buffer.from(JSON.stringify(forged)).toString("base64url");
    await context.addCookies([{ name: "ticketing_account", value, url: SHOP, httpOnly: true }]);

    await page.goto(`${SHOP}/support`);
    await page.getByLabel("Booking number").fill(booking.id);
    await page.getByRole("button", { name: "Look up" }).click();
    await page.getByText("There is no booking of that number.").waitFor();
    await page.goto(`${SHOP}/organiser`);
    await page.getByText("Your account may not do this.").waitFor();
    const tried = await page.evaluate(
      async ([id, event]) => {
        const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
        const asked = [
          fetch(`/api/v1/bookings/${id}`),
          fetch(`/api/v1/bookings/${id}/timeline`),
          fetch(`/api/v1/bookings/${id}/cancel`, post),
          fetch(`/api/v1/events/${event}/attendees`),
          fetch(`/api/v1/events/${event}/cancel`, post),
        ];
        return (await Promise.all(asked)).map((answer) => answer.status);
      },
      [booking.id, ARENA],
    );

    assert.deepEqual(tried, [404, 404, 404, 404, 403]);
    await context.close();
  });

  test("in what a browser keeps is not believed", async () => {
    const { page, context } = await visit(browser);
    for (const [name, value] of [["locale", "<script>"], ["theme", "x onload=alert(1)"], ["ticketing_account", "bm9uc2Vuc2U"]]) {
      await context.addCookies([{ name: name ?? "", value: encodeURIComponent(value ?? ""), url: SHOP }]);
    }
    await page.goto(SHOP);
    for (const kept of ["{{{", "null", "[]", '{"seats":{"length":1e9}}', '{"seats":[null,{},"S1-1-1","S1-99-99","<script>"],"areas":[{"section_id":"S2","quantity":-5}]}', `{"seats":${JSON.stringify(Array(500).fill("S1-1-1"))}}`]) {
      await page.evaluate(
        ([event, text]) => {
          for (const key of Object.keys(localStorage)) localStorage.removeItem(key);
          for (const name of [`choice:${event}`, `order:${event}`, "orders"]) localStorage.setItem(name, text ?? "");
        },
        [ARENA, kept],
      );
      await page.goto(`${SHOP}/events/${ARENA}`);
      await page.getByTestId("live").getByText("Live").waitFor();
      await page.goto(`${SHOP}/bookings`);
      await page.getByRole("heading", { name: "My bookings" }).waitFor();
    }

    await page.evaluate(() => localStorage.clear());
    await buy(page, ARENA, "Block 17", [11], CARDS.works);
    await waitForStatus(page, "confirmed");
    await context.close();
  });
});

/** Nothing ran, and nothing is wider than the screen. */
async function harmless(page: Page): Promise<void> {
  assert.notEqual(await page.title(), "hacked");
  assert.equal(await page.locator("main img, main script[src=x]").count(), 0);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${page.url()} is ${wide} px wider than the screen`);
}
