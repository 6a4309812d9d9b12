/** How pages look: what is wrong with one, a picture of it, and the pixels of its map. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import axe from "axe-core";
import type { Locator, Page } from "playwright-core";

import { DESKTOP, PHONE } from "./shop.ts";

const IMAGES = process.env["IMAGES"] ?? "build/images";
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** As narrow as phones are. */
const NARROW = { width: 360, height: 740 };

/** No accessibility violation, light and dark; nothing pushed aside, on a narrow phone in either language; a picture at two
 *  widths. `shown`: what the picture is of, where that is not the top of the page. */
export async function look(page: Page, name: string, shown?: Locator): Promise<void> {
  mkdirSync(IMAGES, { recursive: true });
  await page.waitForFunction(() => document.title !== "");
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await violations(page), [], `${name}, ${colorScheme}`);
  }
  for (const [width, { viewport }] of [["phone", PHONE], ["desktop", DESKTOP]] as const) {
    if (viewport) await page.setViewportSize(viewport);
    await page.evaluate(() => scrollTo(0, 0));
    await shown?.scrollIntoViewIfNeeded();
    await drawn(page);
    await page.screenshot({ path: join(IMAGES, `${name}-${width}.jpg`), type: "jpeg", quality: 68 });
    assert.deepEqual(await pushedAside(page), [], `${name}, ${width}`);
  }
  await page.setViewportSize(NARROW);
  // A page without a choice of languages speaks all at once.
  const choice = page.locator(".footer select").first();
  for (const language of (await choice.count()) ? ["de", "en"] : [""]) {
    if (language) {
      await choice.selectOption(language);
      await page.locator(`html[lang="${language}"]`).waitFor();
    }
    await drawn(page);
    assert.deepEqual(await pushedAside(page), [], `${name}, ${language} on a narrow phone`);
  }
  if (DESKTOP.viewport) await page.setViewportSize(DESKTOP.viewport);
}

/** The page has been laid out and painted. */
export function drawn(page: Page): Promise<unknown> {
  return page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** What reaches beyond the edge of the screen, or has to be scrolled sideways to be seen. Tables may be. */
function pushedAside(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    const parts = [...document.body.querySelectorAll("*")].filter((one) => one instanceof HTMLElement && !one.closest(".scroll, .only-heard"));
    const beyond = parts.filter((one) => one.getBoundingClientRect().right > clientWidth + 0.5);
    const sideways = parts.filter((one) => one.scrollWidth > one.clientWidth && one.clientWidth > 0 && /auto|scroll/.test(getComputedStyle(one).overflowX));
    const wide = [...beyond, ...sideways].map((one) => `${one.tagName} ${one.className} ${one.textContent?.slice(0, 40)}`);
    return scrollWidth > clientWidth ? [`the page by ${scrollWidth - clientWidth} px`, ...wide] : wide;
  });
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async (tags) => {
    const { axe: loaded } = window as unknown as { axe: typeof import("axe-core") };
    return (await loaded.run(document, { runOnly: tags })).violations;
  }, WCAG);
  return found.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary ?? ""}`).join("; ")}`);
}

export async function drag(page: Page, what: Locator, [dx, dy]: [number, number]): Promise<void> {
  const box = await what.boundingBox();
  assert.ok(box);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + dx, y + dy, { steps: 5 });
  await page.mouse.up();
  // Where the mouse hovers a seat has a ring.
  await page.mouse.move(0, 0);
  await drawn(page);
}

/** A letter for each value: a string travels from a page in a hundredth of the time that numbers do. */
export function pixels(map: Locator): Promise<string> {
  return map.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
    const values = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return Array.from(values, (value) => String.fromCharCode(value)).join("");
  });
}

/** On average, of 255. */
export function difference(one: string, other: string): number {
  assert.ok(one.length > 0 && one.length === other.length);
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += Math.abs(one.charCodeAt(at) - other.charCodeAt(at));
  return sum / one.length;
}
