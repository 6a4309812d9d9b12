/** Organisers and support: an event from a template to its refunds, and what hostile words look like on it. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import type { Browser, Page } from "playwright-core";

import { apiOrganiser, ARENA, buy, CARDS, closeBrowser, openBrowser, publish, register, SHOP, signIn, visit, waitForStatus } from "./shop.ts";

const HOSTILE = `<img src=x onerror="document.title='hacked'"> & "${"long ".repeat(20)}"`;

describe("an organiser", () => {
  let browser: Browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => closeBrowser(browser));

  test("makes an event, publishes it, watches it sell and cancels it with all refunds", async () => {
    const [mine, buyers] = [await visit(browser), await visit(browser)];
    const { page } = mine;
    await page.goto(`${SHOP}/sign-in?next=/organiser/new`);
    await register(page, "Olga of the Small House", { organiser: true });
    await page.getByLabel("Title").fill(HOSTILE);
    await page.getByLabel("Description").fill(HOSTILE);
    await page.getByLabel("Starts").fill("2031-05-01T20:00");
    await page.getByLabel("Ends").fill("2031-05-01T23:00");
    await page.getByLabel("Time zone").selectOption("Europe/Berlin");
    await page.getByLabel("Venue").fill("Small House");
    await page.getByLabel("City").fill("Leipzig");
    await page.getByLabel("Country").fill("DE");
    await page.getByLabel("Begin with").selectOption("theatre");
    await page.getByLabel("Amount of price 1").fill("61.50");
    await page.getByRole("button", { name: "Save as draft" }).click();
    await page.getByRole("button", { name: "Publish" }).click();
    await page.getByRole("link", { name: "Buyers' page" }).waitFor();
    const id = page.url().split("/").at(-1) ?? "";

    await page.getByTestId("organiser.free").getByText("408").waitFor();
    await buy(buyers.page, id, "Stalls left", [1, 2], CARDS.works, "=1+1");
    await waitForStatus(buyers.page, "confirmed");
    await page.getByTestId("organiser.sold").getByText("2").waitFor();
    assert.equal(await page.getByTestId("organiser.money").innerText(), "€123.00");
    await buyers.page.locator(".ticket-event", { hasText: "<img src=x" }).first().waitFor();
    assert.notEqual(await buyers.page.title(), "hacked");

    // Names come by the way of facts; whoever looks at his account has one at once.
    const account = await buyers.context.newPage();
    await account.goto(`${SHOP}/account`);
    await account.getByLabel("Phone").waitFor();
    const list = await download(page, "Download the attendee list");
    const [head, ...lines] = list.trimEnd().split("\r\n");
    assert.match(head ?? "", /^\uFEFF"Name","Place"/);
    assert.equal(lines.length, 2);
    for (const [at, line] of lines.entries()) assert.match(line, new RegExp(`^"'=1\\+1","Stalls left, row 1, seat ${at + 1}"`));
    await page.getByText("Saved: 2 tickets.").waitFor();

    await page.getByRole("button", { name: "Cancel the event" }).click();
    await page.getByLabel("Reason, told to the buyers").fill("The band is ill.");
    await page.getByRole("button", { name: "Yes, cancel and refund everybody" }).click();
    await page.getByText("This event has been cancelled.").waitFor();
    await waitForStatus(buyers.page, "cancelled", "cancelling");
    await buyers.page.getByText("Refunded: €123.00").waitFor();
    await mine.context.close();
    await buyers.context.close();
  });

  test("who hears no answer to a cancellation is told that nobody is refunded twice, and asks again", async () => {
    const { page, context } = await visit(browser);
    const id = await publish(await apiOrganiser());
    await page.goto(`${SHOP}/sign-in?next=/organiser/events/${id}`);
    await signIn(page, process.env["ORGANISER_EMAIL"] ?? "", process.env["ORGANISER_PASSWORD"] ?? "");
    let cut = 0;
    await page.route(`**/api/v1/events/${id}/cancel`, async (route) => {
      if (cut++) return route.continue();
      await route.fetch();
      return route.abort();
    });

    await page.getByRole("button", { name: "Cancel the event" }).click();
    await page.getByRole("button", { name: "Yes, cancel and refund everybody" }).click();
    await page.getByRole("alert").filter({ hasText: "No connection." }).getByText(/Nobody is refunded twice/).waitFor();
    await page.getByRole("button", { name: "Yes, cancel and refund everybody" }).click();

    await page.getByText("This event has been cancelled.").waitFor();
    await context.close();
  });

  test("of support reads what happened to a booking, by its number", async () => {
    const [buyer, support] = [await visit(browser), await visit(browser)];
    await buy(buyer.page, ARENA, "Block 16", [1], CARDS.declined);
    await waitForStatus(buyer.page, "rejected");
    const id = buyer.page.url().split("/").at(-1) ?? "";
    const { page } = support;

    await page.goto(`${SHOP}/sign-in?next=/support`);
    await signIn(page, process.env["ADMIN_EMAIL"] ?? "", process.env["ADMIN_PASSWORD"] ?? "");
    await page.getByLabel("Booking number").fill("00000000-0000-7000-8000-000000000000");
    await page.getByRole("button", { name: "Look up" }).click();
    await page.getByText("There is no booking of that number.").waitFor();
    await page.getByLabel("Booking number").fill(id);
    await page.getByRole("button", { name: "Look up" }).click();
    await page.locator("table code", { hasText: "card-declined" }).first().waitFor();

    assert.ok((await page.locator("tbody tr").count()) > 3);
    await buyer.context.close();
    await support.context.close();
  });

  test("is not told who comes to another's event", async () => {
    const { page, context } = await visit(browser);
    await page.goto(`${SHOP}/sign-in?next=/organiser/new`);
    await register(page, "Another Organiser", { organiser: true });
    await page.getByLabel("Title").waitFor();

    const answer = await page.evaluate(async (id) => (await fetch(`/api/v1/events/${id}/attendees`)).status, ARENA);
    await page.goto(`${SHOP}/organiser/events/${ARENA}`);
    await page.getByTestId("organiser.free").waitFor();

    assert.equal(answer, 404);
    assert.equal(await page.getByRole("button", { name: "Download the attendee list" }).count(), 0);
    await context.close();
  });

  test("of no role sees no organiser's page", async () => {
    const { page, context } = await visit(browser);

    await page.goto(`${SHOP}/organiser/new`);
    await page.getByRole("button", { name: "I have an account" }).waitFor();

    assert.equal(await page.getByLabel("Title").count(), 0);
    await context.close();
  });
});

/** The text of the file that a button saves. */
async function download(page: Page, button: string): Promise<string> {
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).click();
  return readFile(await (await saved).path(), "utf8");
}
