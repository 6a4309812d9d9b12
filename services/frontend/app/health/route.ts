/** Whether this process can serve: it needs nothing to answer, and pages say so themselves when the gateway is away. */

export const dynamic = "force-dynamic";

export function GET(): Response {
  return Response.json({ status: "UP", components: {} }, { headers: { "Cache-Control": "no-store" } });
}
