import assert from "node:assert/strict";
import { test } from "node:test";

import type { Booking, Payment } from "../api/types";
import { isNews } from "../booking/news";
import { refundText } from "../booking/refund";
import { stepOf } from "../booking/step";
import { wordsOf } from "../messages";
import { messagesOf } from "../messages/all";

interface Told {
  url?: string;
  type?: string;
  reason?: string;
  at?: number;
}

function booking(status: Booking["status"], { url = "", type = url ? "redirect" : "", reason, at }: Told = {}): Booking {
  const next_action = type ? { type, url, client_secret: "" } : null;
  const updated_at = at === undefined ? null : new Date(at).toISOString();
  return { id: "b", event_id: "e", status, reason: reason ?? null, next_action, queue: null, updated_at } as Booking;
}

function payment(status: Payment["status"], refunded = 0): Payment {
  return { status, amount: { amount: 2500, currency: "EUR" }, refunded: { amount: refunded, currency: "EUR" } } as Payment;
}

test("without times a booking moves on and never back", () => {
  const atBank = booking("awaiting_payment", { url: "https://bank" });

  assert.ok(isNews(null, booking("queued")));
  assert.ok(isNews(booking("queued"), booking("confirmed")));
  assert.ok(!isNews(booking("confirmed"), booking("pending")));
  assert.ok(isNews(booking("confirmed"), booking("cancelling")));
  assert.ok(isNews(booking("awaiting_payment"), atBank));
  assert.ok(!isNews(atBank, booking("awaiting_payment")));
  assert.ok(isNews(atBank, booking("pending")));
});

test("money that came late turns a refused booking round, and what was said before does not turn it back", () => {
  const refused = booking("rejected", { at: 2000 });

  assert.ok(isNews(refused, booking("confirmed", { at: 3000 })));
  assert.ok(isNews(refused, booking("pending", { at: 3000 })));
  assert.ok(!isNews(booking("pending", { at: 3000 }), refused));
  assert.ok(!isNews(booking("pending", { at: 3000 }), booking("awaiting_payment", { type: "pay_again", at: 2000 })));
});

test("the line's clock is another one than the desk's", () => {
  assert.ok(isNews(booking("queued", { at: 9000 }), booking("pending", { at: 3000 })));
  assert.ok(!isNews(booking("pending", { at: 3000 }), booking("queued", { at: 9000 })));
});

test("a buyer sees what is special about a booking", () => {
  assert.equal(stepOf(booking("awaiting_payment", { url: "https://bank" })), "awaiting_payment");
  assert.equal(stepOf(booking("awaiting_payment", { type: "pay_again", reason: "card-declined" })), "pay_again");
  assert.equal(stepOf(booking("pending", { reason: "delayed" })), "delayed");
  assert.equal(stepOf(booking("cancelling", { reason: "delayed" })), "delayed");
  assert.equal(stepOf(booking("cancelled", { reason: "paid-too-late" })), "cancelled");
});

test("of a refund is said what is known, and never that there is none while there may be", () => {
  const words = wordsOf("en", messagesOf("en"));

  assert.equal(refundText(words, null), "Whatever was charged is refunded in full.");
  assert.equal(refundText(words, payment("processing")), "Whatever was charged is refunded in full.");
  assert.equal(refundText(words, payment("succeeded")), "€25.00 is being refunded.");
  assert.equal(refundText(words, payment("partially_refunded", 1000)), "Refunded so far: €10.00 of €25.00. The rest follows.");
  assert.match(refundText(words, payment("refunded", 2500)), /^Refunded: €25.00/);
  assert.equal(refundText(words, payment("failed")), "Nothing was charged.");
});
