/** Calls to the gateway: with a deadline, on behalf of whoever is signed in, with a token that is fresh. */

import type { Account, Problem, Tokens } from "@/api/types";

import { Renewals, type Renewal } from "./renewals";
import { endSession, isStale, keepSession, sessionTokens } from "./session";
import { settings } from "./settings";

export interface Call {
  method?: string;
  body?: string | null;
  headers?: Record<string, string>;
}

/** The gateway's answer; a problem of ours when there is none. Never throws. */
export async function callGateway(path: string, call: Call = {}): Promise<Response> {
  const { gatewayUrl, timeoutMs } = settings();
  try {
    return await fetch(gatewayUrl + path, {
      method: call.method ?? "GET",
      headers: { ...(call.body ? { "Content-Type": "application/json" } : {}), ...call.headers },
      body: call.body ?? null,
      signal: AbortSignal.timeout(timeoutMs),
      cache: "no-store",
      redirect: "manual",
    });
  } catch {
    return problem(503, "dependency-down", "The ticket office does not answer.", path);
  }
}

/** The same as the signed-in person, if there is one. Only where cookies may be set: a route handler. */
export async function callAsPerson(path: string, call: Call = {}): Promise<Response> {
  const token = await freshToken();
  if (token === undefined) return problem(503, "dependency-down", "The ticket office does not answer.", path);
  const answer = await callGateway(path, withToken(call, token));
  if (answer.status !== 401 || !token) return answer;
  // Its key may have been changed, or our clock is off: once more with another one.
  const again = await freshToken({ evenIfFresh: true });
  return again && again !== token ? callGateway(path, withToken(call, again)) : answer;
}

/** An access token; null when nobody is signed in, undefined when nobody can say now. */
export async function freshToken({ evenIfFresh = false } = {}): Promise<string | null | undefined> {
  const tokens = await sessionTokens();
  if (!tokens) return null;
  if (!evenIfFresh && !isStale(tokens.access)) return tokens.access;
  const renewed = await renewals.of(tokens.refresh);
  if (renewed === null) {
    await endSession();
    return null;
  }
  if (renewed === undefined) return undefined;
  await keepSession(renewed);
  return renewed.access_token;
}

/** Opens a session from the answer of a login or a registration. */
export async function openSession(path: string, body: string, headers: Record<string, string>): Promise<Response> {
  const answer = await callGateway(path, { method: "POST", body, headers });
  if (!answer.ok) return answer;
  const { account, tokens } = (await answer.json()) as { account: Account; tokens: Tokens };
  await keepSession(tokens, account);
  const { id, name, email, roles } = account;
  return Response.json({ id, name, email, roles }, { status: answer.status });
}

// On the process, because Next bundles each route by itself.
const renewals = ((globalThis as { ticketingRenewals?: Renewals }).ticketingRenewals ??= new Renewals(renew));

async function renew(refreshToken: string): Renewal {
  const body = JSON.stringify({ refresh_token: refreshToken });
  const answer = await callGateway("/api/v1/auth/refresh", { method: "POST", body });
  if (answer.ok) return ((await answer.json()) as { tokens: Tokens }).tokens;
  return answer.status === 401 ? null : undefined;
}

function withToken(call: Call, token: string | null): Call {
  return token ? { ...call, headers: { ...call.headers, Authorization: `Bearer ${token}` } } : call;
}

export function problem(status: number, reason: string, detail: string, instance: string): Response {
  const body: Problem = { type: `/problems/${reason}`, title: reason, status, detail, instance, reason, field: null, retry_after_s: null };
  return Response.json(body, { status, headers: { "Content-Type": "application/problem+json" } });
}
