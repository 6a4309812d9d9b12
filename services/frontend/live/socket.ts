/** The one socket of a page: comes back by itself, goes on where it was, and says when it is there. */

import { heardTime } from "@/api/now";

export interface Heard {
  type: string;
  id?: string;
  room?: string;
  data: unknown;
}

type Listener = (message: Heard) => void;
/** What of a WebSocket is used here, so that a test can stand in for it. */
export interface Wire {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Surroundings {
  open(url: string): Wire;
  /** Makes sure that the cookie holds a fresh token; says whether somebody is signed in. */
  freshen(): Promise<boolean>;
  random(): number;
}

const PROTOCOL = "ticketing.v1";
const FIRST_MS = 400;
const LONGEST_MS = 15_000;
/** Codes after which coming back at once would only be refused again. */
const TOO_MANY = 4429;

export class LiveSocket {
  #wire: Wire | null = null;
  #listeners = new Set<Listener>();
  #watchers = new Set<() => void>();
  #rooms = new Map<string, number>();
  #cursor = "";
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = true;
  #ready = false;

  constructor(
    private readonly url: string,
    private readonly around: Surroundings = browser,
  ) {}

  get isReady(): boolean {
    return this.#ready;
  }

  /** Told of every message, `ready` too: then whoever listens may have missed what a room said. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#stopped) this.start();
    return () => {
      this.#listeners.delete(listener);
      if (!this.#listeners.size) this.stop();
    };
  }

  /** Told when it comes and goes. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  join(room: string): () => void {
    const many = this.#rooms.get(room) ?? 0;
    this.#rooms.set(room, many + 1);
    if (!many) this.#say({ type: "join", room });
    return () => {
      const left = (this.#rooms.get(room) ?? 1) - 1;
      if (left > 0) this.#rooms.set(room, left);
      else if (this.#rooms.delete(room)) this.#say({ type: "leave", room });
    };
  }

  start(): void {
    this.#stopped = false;
    void this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#end();
  }

  /** Now rather than when the time is up: the network is back, or somebody has signed in. */
  again(): void {
    if (this.#stopped) return;
    this.#failures = 0;
    clearTimeout(this.#timer);
    this.#end();
    void this.#connect();
  }

  async #connect(): Promise<void> {
    let known = false;
    try {
      known = await this.around.freshen();
    } catch {
      this.#later();
      return;
    }
    if (this.#stopped || this.#wire) return;
    const wire = this.around.open(this.url);
    this.#wire = wire;
    wire.onopen = () => {
      wire.send(JSON.stringify(known ? { type: "auth", cursor: this.#cursor } : { type: "guest" }));
    };
    wire.onmessage = (event) => {
      if (typeof event.data === "string") this.#hear(JSON.parse(event.data) as Heard);
    };
    wire.onclose = ({ code }) => {
      if (this.#wire !== wire) return;
      if (code === TOO_MANY) this.#failures += 3;
      this.#end();
      this.#later();
    };
  }

  #hear(message: Heard): void {
    if (message.id) this.#cursor = message.id;
    if (message.type === "ready") {
      this.#failures = 0;
      this.#cursor ||= (message.data as { cursor?: string }).cursor ?? "";
      for (const room of this.#rooms.keys()) this.#say({ type: "join", room }, { always: true });
      this.#change(true);
    }
    for (const listener of this.#listeners) listener(message);
  }

  #say(message: object, { always = false } = {}): void {
    if (this.#wire && (always || this.#ready)) this.#wire.send(JSON.stringify(message));
  }

  #later(): void {
    if (this.#stopped) return;
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures++);
    clearTimeout(this.#timer);
    // Spread, so that a crowd that lost its server does not come back as one.
    this.#timer = setTimeout(() => void this.#connect(), longest * (0.5 + this.around.random() / 2));
  }

  #end(): void {
    const wire = this.#wire;
    this.#wire = null;
    if (wire) {
      wire.onclose = wire.onmessage = wire.onopen = null;
      wire.close();
    }
    this.#change(false);
  }

  #change(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    for (const watcher of this.#watchers) watcher();
  }
}

const browser: Surroundings = {
  open: (url) => new WebSocket(url, [PROTOCOL]) as unknown as Wire,
  freshen: async () => {
    const answer = await fetch("/api/session", { signal: AbortSignal.timeout(8000) });
    if (!answer.ok) throw new Error("nobody knows who this is");
    heardTime(answer);
    return ((await answer.json()) as { person: unknown }).person !== null;
  },
  random: Math.random,
};
