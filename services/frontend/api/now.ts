/** The time as the server has it: a phone's clock may be minutes off, and what is held is held by the server's. */

/** What a header leaves out of a second, and the way here: nobody is to believe that there is more time than there is. */
const LATE_MS = 1000;
/** Who is as near as this is right. */
const NEAR_MS = 2000;

let aheadMs = 0;

/** Learns from an answer that left the server just now. */
export function heardTime(answer: Response): void {
  const ahead = Date.parse(answer.headers.get("date") ?? "") + LATE_MS - Date.now();
  if (!Number.isNaN(ahead)) aheadMs = Math.abs(ahead) < NEAR_MS ? 0 : ahead;
}

export function nowMs(): number {
  return Date.now() + aheadMs;
}
