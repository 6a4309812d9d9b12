/** How long it may still take: from how fast the line has moved while we watched, and from nothing else. */

export interface Moved {
  nowServing: number;
  atMs: number;
}

const WATCHED_MS = 60_000;
/** Less than this says little. */
const LEAST_MS = 3000;

/** Remembers the last minute. The line never goes back. */
export function watched(moves: readonly Moved[], move: Moved): Moved[] {
  const last = moves.at(-1);
  if (last && move.nowServing < last.nowServing) return [...moves];
  return [...moves.filter((one) => one.atMs > move.atMs - WATCHED_MS), move];
}

/** Seconds until `number` is served; null while nobody can say. */
export function estimateS(moves: readonly Moved[], number: number, nowMs: number): number | null {
  const [first, last] = [moves[0], moves.at(-1)];
  if (!first || !last) return null;
  const left = number - last.nowServing;
  if (left <= 0) return 0;
  const served = last.nowServing - first.nowServing;
  const tookMs = nowMs - first.atMs;
  return served > 0 && tookMs >= LEAST_MS ? Math.ceil((left * tookMs) / served / 1000) : null;
}

/** How many are before us. */
export function ahead(number: number, nowServing: number): number {
  return Math.max(0, number - nowServing - 1);
}
