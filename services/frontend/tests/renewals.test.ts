import assert from "node:assert/strict";
import { test } from "node:test";

import type { Tokens } from "../api/types";
import { Renewals, type Renewal } from "../server/renewals";

function tokens(number: number): Tokens {
  return { access_token: `a${number}`, refresh_token: `r${number}` } as Tokens;
}

/** Exchanges as auth does them: each gives what is next in the list, when it is let. */
function auth(answers: (Tokens | null | undefined)[]) {
  const waiting: (() => void)[] = [];
  let asked = 0;
  const ask = (): Renewal => {
    const answer = answers[asked++];
    return new Promise((resolve) => waiting.push(() => resolve(answer)));
  };
  return { ask, asked: () => asked, answer: () => waiting.splice(0).forEach((done) => done()) };
}

test("two tabs whose tokens end at once share one exchange, and so does one that comes late", async () => {
  const peer = auth([tokens(1)]);
  const renewals = new Renewals(peer.ask);

  const both = [renewals.of("r0"), renewals.of("r0")];
  peer.answer();
  const all = await Promise.all([...both, renewals.of("r0")]);

  assert.deepEqual(all, [tokens(1), tokens(1), tokens(1)]);
  assert.equal(peer.asked(), 1);
});

test("another token is another exchange", async () => {
  const peer = auth([tokens(1), tokens(2)]);
  const renewals = new Renewals(peer.ask);

  const both = [renewals.of("r0"), renewals.of("other")];
  peer.answer();

  assert.deepEqual(await Promise.all(both), [tokens(1), tokens(2)]);
});

test("what came to nothing is asked again", async () => {
  const peer = auth([undefined, tokens(1)]);
  const renewals = new Renewals(peer.ask);

  const first = renewals.of("r0");
  peer.answer();
  assert.equal(await first, undefined);
  const second = renewals.of("r0");
  peer.answer();

  assert.deepEqual(await second, tokens(1));
});

test("an exchange is forgotten after a while", async () => {
  const peer = auth([tokens(1), null]);
  const renewals = new Renewals(peer.ask, 1);

  const first = renewals.of("r0");
  peer.answer();
  await first;
  // Timers of one length end in the order they began.
  await new Promise((resolve) => setTimeout(resolve, 1));
  const second = renewals.of("r0");
  peer.answer();

  assert.equal(await second, null);
});
