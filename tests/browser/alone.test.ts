/** The web app when it is the only thing that runs: healthy, and able to say what it lacks. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";

import type { Browser } from "playwright-core";

import { nowhere, startServer, type Server } from "./server.ts";
import { closeBrowser, openBrowser, PASSWORD, PHONE, signIn, untilServed, visit } from "./shop.ts";

const EVENT = "01990000-0000-7000-8000-000000000001";

describe("the web app alone", () => {
  let browser: Browser;
  let server: Server;
  before(async () => {
    browser = await openBrowser();
    server = await startServer({ GATEWAY_URL: await nowhere(), SOCKET_URL: (await nowhere()).replace("http", "ws") });
    await untilServed(server.url);
  });
  after(async () => {
    await server.stop();
    await closeBrowser(browser);
  });

  test("is healthy, for it can answer", async () => {
    for (const path of ["/health", "/health/live"]) assert.equal((await fetch(server.url + path)).status, 200, path);
  });

  test("says on each page that the ticket office does not answer, and that nothing is lost", async () => {
    const { page, context } = await visit(browser, PHONE);

    for (const path of ["/", `/events/${EVENT}`, `/events/${EVENT}/checkout`]) {
      await page.goto(server.url + path);
      const failure = page.getByRole("alert").filter({ hasText: "The ticket office does not answer at this moment." });
      await failure.getByText("This changes nothing about bookings and money.").waitFor();
      await failure.getByText("bookings and places in line are safe").waitFor();
      await failure.getByRole("link", { name: "Try again" }).click();
      await failure.waitFor();
    }
    await page.goto(`${server.url}/sign-in`);
    await signIn(page, "buyer@example.com", PASSWORD);
    await page.getByRole("alert").filter({ hasText: "The ticket office does not answer at this moment." }).waitFor();
    await context.close();
  });

  test("writes to no file and falls over nothing", () => {
    assert.doesNotMatch(server.said(), /EACCES|EROFS|ENOENT|unhandled/i);
    assert.equal(server.process.exitCode, null);
  });

  test("without a setting that it needs does not start, and names it", async () => {
    const lacking = await startServer({ SOCKET_URL: "ws://127.0.0.1:1/ws" });

    const [code] = (await once(lacking.process, "exit")) as [number | null];

    assert.notEqual(code, 0);
    assert.match(lacking.said(), /GATEWAY_URL: must be a URL/);
  });
});
