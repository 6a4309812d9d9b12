/** A reason as three sentences: what happened, what became of the money, what to do next. */

import { Refused, Unreachable } from "@/api/client";
import type { Words } from "@/messages";

export interface Explained {
  what: string;
  money: string;
  next: string;
}

/** For a page that nobody answered. */
export function explainAway({ t }: Words): Explained {
  return { what: t("error.dependency-down.what"), money: t("money.safe"), next: t("error.dependency-down.next") };
}

/** For a booking that was rejected or cancelled. */
export function explainReason({ find, t }: Words, reason: string): Explained {
  return {
    what: find(`reason.${reason}.what`) ?? t("reason.other.what"),
    money: find(`reason.${reason}.money`) ?? t("reason.other.money"),
    next: find(`reason.${reason}.next`) ?? t("reason.other.next"),
  };
}

/** For a request that failed. `money`: what is true of the money at that point, whatever failed. */
export function explainError({ find, t }: Words, error: unknown, money: string): Explained {
  if (error instanceof Unreachable) return { what: t("error.offline.what"), money, next: t("error.offline.next") };
  const reason = error instanceof Refused ? error.reason : "internal-error";
  return {
    what: find(`reason.${reason}.what`) ?? find(`error.${reason}.what`) ?? t("error.other.what"),
    money,
    next: find(`reason.${reason}.next`) ?? find(`error.${reason}.next`) ?? t("error.other.next"),
  };
}
