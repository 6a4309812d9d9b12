/** Which word about a booking is the newer one, whatever order they arrive in. */

import type { Booking } from "@/api/types";

const ORDER: Booking["status"][] = ["queued", "pending", "awaiting_payment", "confirmed", "rejected", "cancelling", "cancelled"];

export function isNews(known: Booking | null, news: Booking): boolean {
  if (!known) return true;
  // The desk says when it changed something: so a booking may come back, for another card or by money that came late.
  const [before, after] = [known, news].map(changedAtMs);
  if (before && after && before !== after) return after > before;
  // Otherwise it moves on, never back; of the same status the fuller word counts.
  const moved = ORDER.indexOf(news.status) - ORDER.indexOf(known.status);
  if (moved === 0) return news.status !== "awaiting_payment" || news.next_action !== null || known.next_action === null;
  // After the bank's page it is at work again.
  return moved > 0 || (known.status === "awaiting_payment" && news.status === "pending");
}

/** The line has another clock than the desk, so what it says has no time here. */
function changedAtMs({ status, queue, updated_at }: Booking): number {
  return status === "queued" || queue || !updated_at ? 0 : Date.parse(updated_at);
}
