/** The places of an event, small: what a map asks for when it begins, and when it has missed something. */

import { seatsOf } from "@/server/seats";

export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }): Promise<Response> {
  const seats = await seatsOf((await params).id);
  return seats instanceof Response
    ? new Response(seats.body, { status: seats.status, headers: { "Content-Type": "application/problem+json" } })
    : Response.json(seats, { headers: { "Cache-Control": "no-store" } });
}
