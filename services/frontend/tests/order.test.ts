import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Refused, Unreachable } from "../api/client";
import { belongsTo, forgetOrders, forPerson, mayBeInLine, newOrder, pendingOrder } from "../purchase/order";

const CHOICE = { seats: [], areas: [{ section_id: "FLOOR", quantity: 2 }] };
const ORDER = { personId: "ada", eventId: "e1", choice: CHOICE, paymentMethod: "pm_1" };
const A_DAY_MS = 24 * 3_600_000;

/** As a browser has it: names are its properties. */
class Storage {
  getItem(name: string): string | null {
    return (this as Record<string, unknown>)[name] as string | undefined ?? null;
  }
  setItem(name: string, value: string): void {
    Object.assign(this, { [name]: value });
  }
  removeItem(name: string): void {
    delete (this as Record<string, unknown>)[name];
  }
}

beforeEach(() => {
  Object.assign(globalThis, { localStorage: new Storage() });
});

function refused(reason: string, status: number): Refused {
  return new Refused({ type: "", title: "", status, detail: "", instance: "", reason, field: null, retry_after_s: null });
}

test("an order that was refused at the door is not in line, unless it had been sent before", () => {
  for (const no of [refused("queue-full", 503), refused("overloaded", 503), refused("too-many-requests", 429), refused("token-expired", 401)]) {
    assert.ok(!mayBeInLine(no, 1), no.reason);
    assert.ok(mayBeInLine(no, 2), no.reason);
  }
});

test("an order that was looked at and refused is not in line, however often it was sent", () => {
  for (const sent of [1, 2, 5]) assert.ok(!mayBeInLine(refused("sale-not-open", 409), sent));
});

test("an order that nobody answered for may be in line", () => {
  for (const error of [new Unreachable(), refused("dependency-down", 503), refused("internal-error", 500)]) assert.ok(mayBeInLine(error, 1));
});

test("an order whose fate is open is there for whoever made it, and for nobody else", () => {
  const made = newOrder(ORDER);

  assert.deepEqual(pendingOrder("e1", "ada"), made);
  assert.equal(pendingOrder("e1", "bob"), null);
  assert.equal(pendingOrder("e2", "ada"), null);
  assert.equal(forPerson(made, "ada"), made);
  for (const [order, whose] of [[made, "bob"], [made, undefined], [null, "ada"], [null, undefined]] as const) assert.equal(forPerson(order, whose), null);
});

test("an order is not sent again when its key may be forgotten: it would be another one", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 1_000 });
  newOrder(ORDER);

  context.mock.timers.setTime(A_DAY_MS);

  assert.equal(pendingOrder("e1", "ada"), null);
});

test("nothing of an order is left after signing out, or for the next person", () => {
  newOrder(ORDER);
  forgetOrders();
  assert.equal(pendingOrder("e1", "ada"), null);

  assert.ok(!belongsTo("ada"));
  newOrder(ORDER);
  assert.ok(!belongsTo("ada"));
  assert.notEqual(pendingOrder("e1", "ada"), null);
  assert.ok(belongsTo("bob"));
  assert.equal(pendingOrder("e1", "ada"), null);
});
