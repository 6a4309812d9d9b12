/** What a buyer is to see of a booking: its status, or what is special about it at this moment. */

import type { Booking, BookingStatus } from "@/api/types";

export type Step = BookingStatus | "pay_again" | "delayed";

export function stepOf({ status, reason, next_action: todo }: Booking): Step {
  if (reason === "delayed" && (status === "pending" || status === "cancelling")) return "delayed";
  return status === "awaiting_payment" && todo?.type === "pay_again" ? "pay_again" : status;
}
