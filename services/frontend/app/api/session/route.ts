/** The session: open one, ask who it is (which also freshens the cookie that the socket uses), end it. */

import { callGateway, freshToken, openSession } from "@/server/gateway";
import { boundedBody, forwarded, refuseOtherSites } from "@/server/guard";
import { endSession, person, sessionTokens } from "@/server/session";
import { problem } from "@/server/gateway";

export async function GET(): Promise<Response> {
  const token = await freshToken();
  if (token === undefined) return problem(503, "dependency-down", "The ticket office does not answer.", "/api/session");
  return Response.json({ person: token ? await person() : null }, { headers: { "Cache-Control": "no-store" } });
}

export async function POST(request: Request): Promise<Response> {
  const refused = refuseOtherSites(request);
  if (refused) return refused;
  const body = await boundedBody(request);
  return body instanceof Response ? body : openSession("/api/v1/auth/login", body, forwarded(request.headers));
}

export async function DELETE(request: Request): Promise<Response> {
  const refused = refuseOtherSites(request);
  if (refused) return refused;
  const tokens = await sessionTokens();
  if (tokens) {
    const body = JSON.stringify({ refresh_token: tokens.refresh });
    await callGateway("/api/v1/auth/logout", { method: "POST", body });
  }
  await endSession();
  return new Response(null, { status: 204 });
}
