/** What the routes of this server refuse before they do anything. */

import { problem } from "./gateway";

const MAX_BODY = 64 * 1024;

/** A problem when another site's page sent it. Browsers say where a request comes from; a script can not lie about it. */
export function refuseOtherSites(request: Request): Response | null {
  const site = request.headers.get("sec-fetch-site");
  if (site === "same-origin" || site === "none") return null;
  const origin = request.headers.get("origin");
  const host = request.headers.get("x-forwarded-host") ?? request.headers.get("host");
  if (site === null && (origin === null || (URL.canParse(origin) && new URL(origin).host === host))) return null;
  return problem(403, "forbidden", "This request came from another site.", new URL(request.url).pathname);
}

/** Where to go on after signing in: a path of ours, or the first page. Another site would make us its accomplice. */
export function pathOfOurs(wanted: unknown): string {
  const here = "http://here";
  // Read as browsers read it: they skip tabs and line ends, and take a backslash for a slash.
  if (typeof wanted !== "string" || !wanted.startsWith("/") || !URL.canParse(wanted, here)) return "/";
  const { origin, pathname, search, hash } = new URL(wanted, here);
  return origin === here && !pathname.startsWith("//") ? pathname + search + hash : "/";
}

/** The body as text, or the problem that it is too large. */
export async function boundedBody(request: Request): Promise<string | Response> {
  const tooLarge = () => problem(413, "body-too-large", "The body is over the limit.", new URL(request.url).pathname);
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY) return tooLarge();
  const body = await request.text();
  return Buffer.byteLength(body) > MAX_BODY ? tooLarge() : body;
}

/** Who asks, passed on so that the gateway can limit each address by itself (it names us in TRUSTED_PROXIES). */
export function forwarded(headers: { get(name: string): string | null }): Record<string, string> {
  const address = headers.get("x-forwarded-for");
  return address ? { "X-Forwarded-For": address } : {};
}
