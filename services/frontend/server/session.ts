/** A session as this server keeps it: three cookies that no script can read. */

import { cookies } from "next/headers";

import type { Account, Tokens } from "@/api/types";

import { settings } from "./settings";

/** Realtime reads the first one too (services/realtime/settings.py, `token_cookie`). */
export const ACCESS = "ticketing_access";
const REFRESH = "ticketing_refresh";
const ACCOUNT = "ticketing_account";
/** A token that ends this soon is as good as ended. */
const LEEWAY_MS = 20_000;

export type Person = Pick<Account, "id" | "name" | "email" | "roles">;

export interface SessionTokens {
  access: string;
  refresh: string;
}

export async function sessionTokens(): Promise<SessionTokens | null> {
  const jar = await cookies();
  const refresh = jar.get(REFRESH)?.value;
  return refresh ? { access: jar.get(ACCESS)?.value ?? "", refresh } : null;
}

/** What a page has: its requests carry no refresh token. */
export async function accessToken(): Promise<string> {
  return (await cookies()).get(ACCESS)?.value ?? "";
}

/** Who is signed in, as the pages show it. Proves nothing: the gateway looks at the token. */
export async function person(): Promise<Person | null> {
  const text = (await cookies()).get(ACCOUNT)?.value;
  if (!text) return null;
  try {
    const { id, name, email, roles } = JSON.parse(Buffer.from(text, "base64url").toString()) as Person;
    const isPerson = [id, name, email].every((one) => typeof one === "string") && Array.isArray(roles);
    return isPerson ? { id, name, email, roles } : null;
  } catch {
    return null;
  }
}

export async function keepSession(tokens: Tokens, account?: Account): Promise<void> {
  const jar = await cookies();
  const until = new Date(tokens.refresh_expires_at);
  const options = cookieOptions(until);
  jar.set(ACCESS, tokens.access_token, options);
  jar.set(REFRESH, tokens.refresh_token, { ...options, path: "/api" });
  if (account) {
    const { id, name, email, roles } = account;
    jar.set(ACCOUNT, Buffer.from(JSON.stringify({ id, name, email, roles })).toString("base64url"), options);
  }
}

export async function endSession(): Promise<void> {
  const jar = await cookies();
  const gone = cookieOptions(new Date(0));
  jar.set(ACCESS, "", gone);
  jar.set(REFRESH, "", { ...gone, path: "/api" });
  jar.set(ACCOUNT, "", gone);
}

/** Whether an access token has, or is about to have, expired; its signature is the gateway's business. */
export function isStale(token: string, now = Date.now()): boolean {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { exp: number };
    return !(claims.exp * 1000 > now + LEEWAY_MS);
  } catch {
    return true;
  }
}

function cookieOptions(expires: Date) {
  const { secureCookies, cookieDomain } = settings();
  return {
    expires,
    path: "/",
    httpOnly: true,
    secure: secureCookies,
    sameSite: "lax" as const,
    ...(cookieDomain ? { domain: cookieDomain } : {}),
  };
}
