/** Typed calls to the public API through this app's own server: paths, bodies and answers are those of openapi.json. */

import type { paths } from "./schema";
import type { Problem } from "./types";

type Method = "get" | "post" | "put" | "patch" | "delete";
type PathOf<M extends Method> = { [P in keyof paths]: paths[P][M] extends object ? P : never }[keyof paths];
type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : undefined;
type Good<R> = R extends { 200: infer A } ? A : R extends { 201: infer A } ? A : R extends { 202: infer A } ? A : never;
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
export type Answer<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer R } ? Json<Good<R>> : never;
/** What the document gives a default may be left out of what is sent. */
type Sent<O> = O extends { requestBody?: { content: { "application/json": infer Body } } } ? Loose<Body> : never;
type Loose<T> = T extends (infer I)[] ? Loose<I>[] : T extends object ? { [K in keyof T]?: Loose<T[K]> } : T;

export interface Options<B> {
  id?: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: B;
  key?: string;
  signal?: AbortSignal;
}

/** The API said no, and why. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = "Refused";
  }
  get reason(): string {
    return this.problem.reason;
  }
  /** Asked again later it may well be answered. */
  get mayPass(): boolean {
    return this.problem.status === 429 || this.problem.status >= 500;
  }
}

/** Nobody knows whether the request arrived. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

/** Whether what was asked for may have been done all the same. */
export function isUncertain(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Refused && error.problem.status >= 500);
}

const DEADLINE_MS = 15_000;
const listeners = new Set<() => void>();

/** Told whenever the API says that nobody is signed in. */
export function onSignedOut(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Raises Refused or Unreachable. */
export async function call<M extends Method, P extends PathOf<M>>(
  method: M,
  path: P,
  options: Options<Sent<Operation<P, M>>> = {},
): Promise<Answer<P, M>> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const filled = (path as string).replace("{id}", encodeURIComponent(options.id ?? ""));
  const answer = await sendAsPerson(filled + (query.size ? `?${query}` : ""), {
    method: method.toUpperCase(),
    headers: {
      ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(options.key ? { "Idempotency-Key": options.key } : {}),
    },
    body: options.body === undefined ? null : JSON.stringify(options.body),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  return (answer.status === 204 ? undefined : await answer.json()) as Answer<P, M>;
}

async function sendAsPerson(path: string, init: RequestInit): Promise<Response> {
  try {
    return await send(path, init);
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 401) for (const listener of listeners) listener();
    throw error;
  }
}

/** The same for this server's own paths. Raises Refused or Unreachable. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { signal: AbortSignal.timeout(DEADLINE_MS), ...init });
  } catch (error) {
    throw new Unreachable("no connection", { cause: error });
  }
  if (answer.ok) return answer;
  throw new Refused(await problemIn(answer));
}

async function problemIn(answer: Response): Promise<Problem> {
  try {
    const body = (await answer.json()) as Partial<Problem>;
    if (typeof body.reason === "string") return body as Problem;
  } catch {
    // Something between us and the server answered; below is what is known of it.
  }
  const reason = answer.status >= 500 ? "unavailable" : "bad-request";
  return { type: "about:blank", title: reason, status: answer.status, detail: "", instance: "", reason, field: null, retry_after_s: null };
}
