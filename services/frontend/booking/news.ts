/** Which word about a booking is the newer one, whatever order they arrive in. */

import type { Booking } from "@/api/types";

const ORDER: Booking["status"][] = ["queued", "pending", "awaiting_payment", "confirmed", "rejected", "cancelling", "cancelled"];

/** A booking moves on, never back; of the same status the fuller word counts. */
export function isNews(known: Booking | null, news: Booking): boolean {
  if (!known) return true;
  const [before, after] = [ORDER.indexOf(known.status), ORDER.indexOf(news.status)];
  if (before === after) return news.status !== "awaiting_payment" || news.next_action !== null || known.next_action === null;
  // After the bank's page it is at work again.
  if (known.status === "awaiting_payment" && news.status === "pending") return true;
  return after > before;
}
