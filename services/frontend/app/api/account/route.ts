/** A new account, and its session. */

import { openSession } from "@/server/gateway";
import { boundedBody, forwarded, refuseOtherSites } from "@/server/guard";

export async function POST(request: Request): Promise<Response> {
  const refused = refuseOtherSites(request);
  if (refused) return refused;
  const body = await boundedBody(request);
  return body instanceof Response ? body : openSession("/api/v1/auth/register", body, forwarded(request.headers));
}
