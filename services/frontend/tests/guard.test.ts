import assert from "node:assert/strict";
import { test } from "node:test";

import { pathOfOurs, refuseOtherSites } from "../server/guard";

test("after signing in one stays on this site", () => {
  assert.equal(pathOfOurs("/events/1/checkout?a=b#c"), "/events/1/checkout?a=b#c");
  for (const hostile of ["//evil.example", "/\\evil.example", "/\t/evil.example", "/\n//evil.example", "https://evil.example", "javascript:alert(1)", "/.//evil.example", ["/a"], undefined, ""]) {
    assert.equal(pathOfOurs(hostile), "/", String(hostile));
  }
});

test("another site's page may not act for whoever is signed in", () => {
  const sent = (headers: Record<string, string>) => refuseOtherSites(new Request("http://app/api/v1/bookings", { method: "POST", headers: { host: "app", ...headers } }));

  assert.equal(sent({ "sec-fetch-site": "same-origin" }), null);
  assert.equal(sent({ "sec-fetch-site": "cross-site" })?.status, 403);
  assert.equal(sent({ "sec-fetch-site": "same-site", origin: "http://app" })?.status, 403);
  assert.equal(sent({ origin: "http://app" }), null);
  assert.equal(sent({ origin: "http://evil.example" })?.status, 403);
  assert.equal(sent({ origin: "null" })?.status, 403);
});
