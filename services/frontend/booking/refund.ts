/** What became of the money of a booking that is not to be. */

import type { Payment } from "@/api/types";
import type { Words } from "@/messages";

/** What is known of the money at this moment; when nobody answers, what is true all the same. */
export function refundText({ t, money }: Words, payment: Payment | null): string {
  if (!payment || payment.status === "processing") return t("money.back");
  if (payment.status === "failed" || payment.status === "cancelled" || payment.status === "requires_action") return t("money.none");
  const { amount, refunded } = payment;
  if (refunded.amount >= amount.amount) return t("refund.done", { total: money(refunded) });
  if (refunded.amount > 0) return t("refund.part", { part: money(refunded), total: money(amount) });
  return t("refund.coming", { total: money(amount) });
}
