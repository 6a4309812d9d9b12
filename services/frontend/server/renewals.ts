/** Exchanges of refresh tokens. One works once, so all who come with the same share what it was exchanged for. */

import type { Tokens } from "@/api/types";

/** The new tokens; null when the old one is worth nothing, undefined when nobody can say now. */
export type Renewal = Promise<Tokens | null | undefined>;

/** A request that left before the new cookie arrived may be this late. */
const KEPT_MS = 60_000;

export class Renewals {
  #shared = new Map<string, Renewal>();

  constructor(
    private readonly ask: (refreshToken: string) => Renewal,
    private readonly keptMs = KEPT_MS,
  ) {}

  of(refreshToken: string): Renewal {
    const known = this.#shared.get(refreshToken);
    if (known) return known;
    const asked = this.ask(refreshToken);
    this.#shared.set(refreshToken, asked);
    const forget = () => this.#shared.delete(refreshToken);
    // What came to nothing is asked again by the next one.
    asked.then((tokens) => (tokens ? setTimeout(forget, this.keptMs).unref() : forget()), forget);
    return asked;
  }
}
