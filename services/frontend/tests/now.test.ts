import assert from "node:assert/strict";
import { test } from "node:test";

import { heardTime, nowMs } from "../api/now";

function answer(date: string): Response {
  return new Response(null, { headers: { Date: date } });
}

test("a clock that is wrong is put right by what the server says, and one that is right is left alone", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: Date.parse("2030-01-01T12:10:00.000Z") });

  heardTime(answer("Tue, 01 Jan 2030 12:00:00 GMT"));
  assert.equal(new Date(nowMs()).toISOString(), "2030-01-01T12:00:01.000Z");
  heardTime(answer("nonsense"));
  assert.equal(new Date(nowMs()).toISOString(), "2030-01-01T12:00:01.000Z");
  heardTime(answer("Tue, 01 Jan 2030 12:09:59 GMT"));
  assert.equal(new Date(nowMs()).toISOString(), "2030-01-01T12:10:00.000Z");
});
