/** The card form where Stripe's key is set. Tests have no network, so js.stripe.com is a small script of our own, which
 *  the browser meets under Stripe's name and under the app's real policy. What Stripe's own script does is Stripe's. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Browser, BrowserContext, Page } from "playwright-core";

import { startServer, type Server } from "./server.ts";
import { ARENA, CARDS, chooseSeats, closeBrowser, CLUB, needed, openBrowser, register, untilServed, visit, waitForStatus } from "./shop.ts";

const KEY = "pk_test_of_nobody";

/** As much of Stripe.js as the app uses: a field in a frame of Stripe's, and a call to Stripe's API. */
const SCRIPT = `
  window.Stripe = (key) => ({
    elements: () => ({
      create: (kind) => ({
        mount(where) {
          const frame = document.createElement("iframe");
          frame.title = "Secure card payment input frame";
          frame.src = "https://js.stripe.com/v3/elements-inner-card.html#" + kind + "," + key;
          where.append(frame);
        },
        destroy() {},
      }),
    }),
    createPaymentMethod: async () => (await fetch("https://api.stripe.com/v1/payment_methods", { method: "POST" })).json(),
  });
`;

describe("with a key of Stripe", () => {
  let browser: Browser;
  let server: Server;
  let shop: string;
  before(async () => {
    browser = await openBrowser();
    server = await startServer({ GATEWAY_URL: needed("GATEWAY_URL"), SOCKET_URL: needed("SOCKET_URL"), STRIPE_PUBLISHABLE_KEY: KEY });
    shop = server.url;
    await untilServed(shop);
  });
  after(async () => {
    await server.stop();
    await closeBrowser(browser);
  });

  test("the card is typed into Stripe's frame, and its token buys the ticket", async () => {
    const { page, context } = await visit(browser);
    const asked = await stripe(context);

    await toCheckout(page, "Block 18", 1);
    await page.frameLocator('iframe[title^="Secure card"]').getByText(`card,${KEY}`).waitFor();
    assert.equal(await page.getByText("Sandbox").count(), 0);
    await page.getByRole("button", { name: /^Order and pay/ }).click();
    await waitForStatus(page, "confirmed");

    assert.deepEqual([...asked].sort(), ["https://api.stripe.com", "https://js.stripe.com"]);
    await context.close();
  });

  test("an order without an answer is sent again as it was: Stripe's next token would make it another one", async () => {
    const { page, context } = await visit(browser);
    await stripe(context);
    const orders: (string | null)[] = [];
    await page.route("**/api/v1/bookings", async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      const isFirst = orders.push(`${route.request().headers()["idempotency-key"]} ${route.request().postData()}`) === 1;
      // It arrives, and something on the way says that it did not.
      if (isFirst) await route.fetch();
      return isFirst ? route.fulfill({ status: 502, body: "Bad gateway" }) : route.continue();
    });

    await page.goto(`${shop}/events/${CLUB}`);
    await page.getByRole("button", { name: /^Add/ }).click();
    await page.getByRole("link", { name: "Continue" }).click();
    await register(page);
    await page.getByRole("button", { name: /^Order and pay/ }).click();
    await page.getByRole("button", { name: "Send it again" }).click();
    await waitForStatus(page, "confirmed");

    assert.equal(orders.length, 2);
    assert.equal(orders[0], orders[1]);
    await context.close();
  });

  test("no page but that with the card asks Stripe for anything", async () => {
    const { page, context } = await visit(browser);
    const asked = await stripe(context);

    for (const path of ["/", `/events/${ARENA}`, "/sign-in", "/bookings"]) await page.goto(shop + path);

    assert.deepEqual([...asked], []);
    await context.close();
  });

  test("the policy names Stripe and nobody else, and the browser keeps to it", async () => {
    // A context of its own: what is refused here is meant to be.
    const context = await browser.newContext();
    const page = await context.newPage();
    let left = 0;
    await context.route(/elsewhere\.example/, (route) => {
      left++;
      return route.abort();
    });

    const answer = await page.goto(`${shop}/events/${ARENA}/checkout`);
    const policy = answer?.headers()["content-security-policy"] ?? "";
    const refused = await page.evaluate(async () => {
      const heard: string[] = [];
      document.addEventListener("securitypolicyviolation", (event) => heard.push(event.effectiveDirective));
      const script = document.createElement("script");
      script.src = "https://elsewhere.example/skimmer.js";
      document.head.append(script);
      const inline = document.createElement("script");
      inline.textContent = "window.skimmed = true";
      document.head.append(inline);
      const frame = document.createElement("iframe");
      frame.src = "https://elsewhere.example/form";
      document.body.append(frame);
      await fetch("https://elsewhere.example/card").catch(() => undefined);
      for (let frames = 0; frames < 100 && heard.length < 4; frames++) await new Promise((resolve) => requestAnimationFrame(resolve));
      return { heard: heard.sort(), skimmed: "skimmed" in window };
    });

    assert.doesNotMatch(policy, /unsafe/);
    for (const rule of ["script-src", "frame-src", "connect-src"]) assert.match(policy, new RegExp(`${rule} [^;]*stripe\\.com`));
    assert.deepEqual(refused, { heard: ["connect-src", "frame-src", "script-src-elem", "script-src-elem"], skimmed: false });
    assert.equal(left, 0);
    await context.close();
  });

  test("a form that does not load says that nothing was charged, and loads when asked again", async () => {
    const { page, context } = await visit(browser);
    let away = true;
    await stripe(context);
    // Of two routes the later one is asked first.
    await context.route("https://js.stripe.com/v3/", (route) => (away ? route.abort() : route.fallback()));

    await toCheckout(page, "Block 18", 3);
    const notice = page.getByRole("alert").filter({ hasText: "does not answer" });
    await notice.getByText("Nothing was charged.").waitFor();
    assert.ok(await page.getByRole("button", { name: /^Order and pay/ }).isDisabled());
    away = false;
    await notice.getByRole("button", { name: "Try again" }).click();

    await page.locator('iframe[title^="Secure card"]').waitFor();
    await context.close();
  });

  async function toCheckout(page: Page, section: string, seat: number): Promise<void> {
    await chooseSeats(page, ARENA, section, [seat], "1", shop);
    await page.getByRole("link", { name: "Continue" }).click();
    await register(page);
  }
});

/** Answers for Stripe, and keeps in mind which of its names were asked. */
async function stripe(context: BrowserContext): Promise<Set<string>> {
  const asked = new Set<string>();
  const answer = (url: string) => {
    if (url.includes("/v1/payment_methods")) return { json: { paymentMethod: { id: CARDS.works } }, headers: { "Access-Control-Allow-Origin": "*" } };
    if (url.includes(".html")) return { contentType: "text/html", body: "<p></p><script>document.querySelector('p').textContent = location.hash.slice(1)</script>" };
    return { contentType: "text/javascript", body: SCRIPT };
  };
  await context.route(/^https:\/\/[a-z.]*stripe\.com\//, async (route) => {
    asked.add(new URL(route.request().url()).origin);
    await route.fulfill(answer(route.request().url()));
  });
  return asked;
}
