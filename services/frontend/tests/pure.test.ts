import assert from "node:assert/strict";
import { test } from "node:test";

import type { Event } from "../api/types";
import { ahead, estimateS, watched } from "../live/line";
import { chosenLocale, moneyText, wordsOf } from "../messages";
import { messagesOf } from "../messages/all";
import de from "../messages/de.json";
import en from "../messages/en.json";
import { minorUnits, placesOf, sectionsOf, template, TEMPLATES } from "../organiser/templates";
import { momentAt } from "../organiser/times";
import { NOTHING, parsed, placesIn, withArea, withoutSeats, withSeat } from "../purchase/choice";
import { linesOf, totalOf } from "../purchase/price";
import { fit, toHouse, toView, zoomed } from "../seatmap/camera";
import { contentSecurityPolicy } from "../server/csp";

test("both languages say the same things, with the same values", () => {
  const values = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

  assert.deepEqual(Object.keys(de), Object.keys(en));
  for (const [key, text] of Object.entries(en)) assert.deepEqual(values((de as Record<string, string>)[key] ?? ""), values(text), key);
});

test("every reason says what happened, what became of the money and what to do", () => {
  const reasons = new Set(Object.keys(en).filter((key) => key.startsWith("reason.")).map((key) => key.split(".")[1]));

  for (const reason of reasons) for (const part of ["what", "money", "next"]) assert.ok(`reason.${reason}.${part}` in en, `${reason} ${part}`);
});

test("every error says what happened and what to do; what became of the money is said by whoever failed", () => {
  const errors = new Set(Object.keys(en).filter((key) => key.startsWith("error.")).map((key) => key.split(".")[1]));

  for (const error of errors) for (const part of ["what", "next"]) assert.ok(`error.${error}.${part}` in en, `${error} ${part}`);
  for (const key of Object.keys(en).filter((one) => one.startsWith("error."))) assert.match(key, /\.(what|next)$/);
});

test("words count as the language does, and money has its currency's digits", () => {
  const { t } = wordsOf("en", messagesOf("en"));

  assert.equal(t("line.ahead", { count: 1 }), "1 order is before you.");
  assert.equal(t("line.ahead", { count: 1200 }), "1,200 orders are before you.");
  assert.equal(moneyText("en", 1250, "EUR"), "€12.50");
  assert.equal(moneyText("en", 1250, "JPY"), "¥1,250");
});

test("the reader's language is the first that we speak", () => {
  assert.equal(chosenLocale(undefined, "fr-FR,de-AT;q=0.8,en;q=0.5"), "de");
  assert.equal(chosenLocale("en", "de"), "en");
  assert.equal(chosenLocale("<script>", null), "en");
});

test("an estimate comes from what was seen, and from nothing else", () => {
  const moves = watched(watched([], { nowServing: 100, atMs: 0 }), { nowServing: 150, atMs: 10_000 });

  assert.equal(estimateS(moves, 400, 10_000), 50);
  assert.equal(estimateS(moves.slice(0, 1), 400, 20_000), null);
  assert.equal(estimateS(moves, 400, 1000), null);
  assert.equal(estimateS(moves, 150, 10_000), 0);
  assert.equal(watched(moves, { nowServing: 90, atMs: 11_000 }).at(-1)?.nowServing, 150);
  assert.deepEqual([ahead(5, 1), ahead(5, 4), ahead(5, 9)], [3, 0, 0]);
});

test("a choice is changed without touching the old one, and read back with care", () => {
  const choice = withArea(withSeat(withSeat(NOTHING, "A-1-1"), "A-1-1"), "F", 3);

  assert.equal(placesIn(choice), 4);
  assert.deepEqual(withoutSeats(choice, ["A-1-1"]).seats, []);
  assert.deepEqual(withArea(choice, "F", 0).areas, []);
  assert.deepEqual(parsed(JSON.stringify(choice)), choice);
  for (const broken of [null, "", "{", "[]", '{"seats":7}', '{"areas":[{"quantity":2}]}']) assert.equal(parsed(broken), NOTHING);
});

test("a choice costs what its sections cost", () => {
  const event: Pick<Event, "sections" | "tiers"> = {
    sections: [
      { id: "A", name: "Block A", kind: "seated", rows: [], capacity: 9, tier_id: "gold" },
      { id: "F", name: "Floor", kind: "standing", rows: [], capacity: 9, tier_id: "cheap" },
    ],
    tiers: [
      { id: "gold", name: "Gold", price: { amount: 12_900, currency: "EUR" } },
      { id: "cheap", name: "Cheap", price: { amount: 2500, currency: "EUR" } },
    ],
  };
  const choice = { seats: ["A-1-2"], areas: [{ section_id: "F", quantity: 2 }] };

  assert.deepEqual(totalOf(event, choice), { amount: 17_900, currency: "EUR" });
  assert.deepEqual(linesOf(event, choice, wordsOf("en", messagesOf("en"))).map((line) => line.text), ["Block A, row 1, seat 2", "Floor, standing × 2"]);
});

test("zooming keeps what is under the finger where it is", () => {
  const size = { width: 400, height: 300 };
  const camera = fit({ left: -50, top: 0, right: 50, bottom: 60 }, size);
  const before = toHouse(camera, size, 100, 80);

  const closer = zoomed(camera, size, 2, 100, 80, 0.1);

  const [x, y] = toView(closer, size, ...before);
  assert.ok(Math.abs(x - 100) < 1e-6 && Math.abs(y - 80) < 1e-6);
});

test("wall-clock times at a venue are moments, across a change of clocks too", () => {
  assert.equal(momentAt("2027-01-15T20:00", "Europe/Berlin"), "2027-01-15T19:00:00.000Z");
  assert.equal(momentAt("2027-07-15T20:00", "Europe/Berlin"), "2027-07-15T18:00:00.000Z");
  assert.equal(momentAt("2027-03-28T03:30", "Europe/Berlin"), "2027-03-28T01:30:00.000Z");
  assert.equal(momentAt("2027-01-15T20:00", "Asia/Kolkata"), "2027-01-15T14:30:00.000Z");
  assert.equal(momentAt("", "Europe/Berlin"), null);
});

test("prices are typed in major units", () => {
  assert.equal(minorUnits("12.50", "EUR"), 1250);
  assert.equal(minorUnits("12,5", "EUR"), 1250);
  assert.equal(minorUnits("1250", "JPY"), 1250);
  for (const wrong of ["", "-1", "1.234", "1e3", "12.", "abc"]) assert.equal(minorUnits(wrong, "EUR"), null, wrong);
});

test("a template's sections are ones that can be sold", () => {
  for (const name of TEMPLATES) {
    const { sections, tiers } = template(name);
    const made = sectionsOf(sections);

    assert.ok(placesOf(sections) > 0);
    assert.equal(new Set(made.map((section) => section.id)).size, sections.length);
    for (const section of made) assert.ok(Number(section.tier_id.slice(1)) <= tiers.length);
  }
});

test("pages may ask nobody but us, and Stripe where it is used", () => {
  const base = { gatewayUrl: "http://g", socketUrl: "wss://live.example/ws", stripeKey: "", secureCookies: true, cookieDomain: "", timeoutMs: 1 };

  const plain = contentSecurityPolicy("abc", base);
  const stripe = contentSecurityPolicy("abc", { ...base, stripeKey: "pk_test_1" });

  assert.ok(!plain.includes("unsafe") && !plain.includes("stripe") && plain.includes("'nonce-abc'"));
  assert.match(plain, /connect-src 'self' wss:\/\/live.example;/);
  assert.match(stripe, /script-src [^;]*https:\/\/js.stripe.com/);
});
