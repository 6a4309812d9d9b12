/** Wall-clock times at a venue as moments, and back. */

/** `2026-12-01T20:00` in a time zone as RFC 3339 in UTC; null when it is no time. */
export function momentAt(local: string, timeZone: string): string | null {
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc)) return null;
  // The zone's offset at about that time; looked at again, since the first guess may lie on the other side of a change.
  let moment = asUtc - offsetMs(asUtc, timeZone);
  moment = asUtc - offsetMs(moment, timeZone);
  return new Date(moment).toISOString();
}

function offsetMs(moment: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(moment);
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value);
  const wall = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return wall - Math.floor(moment / 1000) * 1000;
}
