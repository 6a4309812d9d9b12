/** What the routes of this server refuse before they do anything. */

import { problem } from "./gateway";

const MAX_BODY = 64 * 1024;

/** A problem when another site's page sent it. Browsers say where a request comes from; a script can not lie about it. */
export function refuseOtherSites(request: Request): Response | null {
  const site = request.headers.get("sec-fetch-site");
  if (site === "same-origin" || site === "none") return null;
  const origin = request.headers.get("origin");
  const host = request.headers.get("x-forwarded-host") ?? request.headers.get("host");
  if (site === null && (origin === null || new URL(origin).host === host)) return null;
  return problem(403, "forbidden", "This request came from another site.", new URL(request.url).pathname);
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
