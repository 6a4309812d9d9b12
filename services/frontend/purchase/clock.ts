import { useEffect, useState } from "react";

import { nowMs } from "@/api/now";

/** Counts down to a time of the server's; 0 once it has come, and without one. */
export function useSecondsUntil(iso: string | null): number {
  const [leftS, setLeftS] = useState(() => secondsUntil(iso));
  useEffect(() => {
    setLeftS(secondsUntil(iso));
    if (!iso) return;
    const tick = setInterval(() => setLeftS(secondsUntil(iso)), 1000);
    return () => clearInterval(tick);
  }, [iso]);
  return leftS;
}

function secondsUntil(iso: string | null): number {
  return iso ? Math.max(0, Math.ceil((Date.parse(iso) - nowMs()) / 1000)) : 0;
}

/** Seconds as minutes and seconds: `4:07`. */
export function clockText(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
