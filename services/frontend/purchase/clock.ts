import { useEffect, useState } from "react";

/** Counts down to a time; 0 once it has come, and without one. */
export function useSecondsUntil(iso: string | null): number {
  const [leftS, setLeftS] = useState(() => secondsUntil(iso));
  useEffect(() => {
    setLeftS(secondsUntil(iso));
    if (!iso || secondsUntil(iso) <= 0) return;
    const tick = setInterval(() => setLeftS(secondsUntil(iso)), 1000);
    return () => clearInterval(tick);
  }, [iso]);
  return leftS;
}

function secondsUntil(iso: string | null): number {
  return iso ? Math.max(0, Math.ceil((Date.parse(iso) - Date.now()) / 1000)) : 0;
}

/** Seconds as minutes and seconds: `4:07`. */
export function clockText(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
