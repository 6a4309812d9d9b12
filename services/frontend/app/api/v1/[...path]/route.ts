/** The API for pages of this app: the gateway's own paths, on behalf of whoever is signed in. */

import { callAsPerson } from "@/server/gateway";
import { boundedBody, forwarded, refuseOtherSites } from "@/server/guard";
import { problem } from "@/server/gateway";

interface Context {
  params: Promise<{ path: string[] }>;
}

const PASSED_ON = ["idempotency-key", "if-none-match"];
const PASSED_BACK = ["content-type", "etag", "location", "retry-after", "cache-control", "x-request-id"];
const WITHOUT_BODY = new Set([204, 304]);

async function pass(request: Request, { params }: Context): Promise<Response> {
  const refused = refuseOtherSites(request);
  if (refused) return refused;
  const { path } = await params;
  // Sessions are made by /api/session and /api/account: tokens stay on this side.
  if (path[0] === "auth") return problem(404, "unknown-path", "Nothing is served under this path.", request.url);
  const body = request.method === "GET" || request.method === "DELETE" ? null : await boundedBody(request);
  if (body instanceof Response) return body;
  const headers = forwarded(request.headers);
  for (const name of PASSED_ON) {
    const value = request.headers.get(name);
    if (value) headers[name] = value;
  }
  const target = `/api/v1/${path.map(encodeURIComponent).join("/")}${new URL(request.url).search}`;
  return answerOf(await callAsPerson(target, { method: request.method, body: body || null, headers }));
}

function answerOf(answer: Response): Response {
  const headers = new Headers();
  for (const name of PASSED_BACK) {
    const value = answer.headers.get(name);
    if (value) headers.set(name, value);
  }
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  return new Response(WITHOUT_BODY.has(answer.status) ? null : answer.body, { status: answer.status, headers });
}

export { pass as DELETE, pass as GET, pass as PATCH, pass as POST, pass as PUT };
