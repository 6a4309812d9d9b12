import assert from "node:assert/strict";
import { test } from "node:test";

import { Refused, Unreachable } from "../api/client";
import { mayBeInLine } from "../purchase/order";

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
