"use client";

/** The line, honestly: our number, who is served, how many are before us, and how long that took so far. */

import { useCallback, useEffect, useState } from "react";

import type { Booking } from "@/api/types";
import { useHeard, useIsLive, useRoom, useWords } from "@/components/providers";
import { ahead, estimateS, watched, type Moved } from "@/live/line";
import type { Heard } from "@/live/socket";

import { CancelButton } from "./CancelButton";

export function InLine({ booking, onChange }: { booking: Booking; onChange: (booking: Booking) => void }) {
  const { t, number } = useWords();
  const live = useIsLive();
  const mine = booking.queue?.number ?? 0;
  const [moves, setMoves] = useState<Moved[]>([]);
  const room = `event:${booking.event_id}`;
  const told = useCallback((nowServing: number) => {
    setMoves((before) => watched(before, { nowServing, atMs: Date.now() }));
  }, []);
  const hear = useCallback(
    (message: Heard) => {
      if (message.type === "queue" && message.room === room) told((message.data as { now_serving: number }).now_serving);
    },
    [room, told],
  );
  useHeard(hear);
  useRoom(room);
  const lookedUp = booking.queue?.now_serving;
  useEffect(() => {
    if (lookedUp !== undefined) told(lookedUp);
  }, [lookedUp, told]);
  const nowServing = Math.min(mine, moves.at(-1)?.nowServing ?? lookedUp ?? 0);
  const before = ahead(mine, nowServing);
  const first = moves[0]?.nowServing ?? nowServing;
  const left = estimateS(moves, mine, Date.now());
  return (
    <div className="line">
      {before > 0 && (
        <p className="line-number" aria-hidden="true">
          {number(before)}
        </p>
      )}
      <p className="line-said" role="status">
        {before === 0 ? t("line.next") : t("line.ahead", { count: before })}
      </p>
      {/* Whoever was next from the first has no way to go that a bar could show. */}
      {mine - first > 1 && <progress max={mine - first} value={Math.max(0, nowServing - first)} aria-label={t("line.progress")} />}
      <dl className="facts">
        <div>
          <dt>{t("line.mine")}</dt>
          <dd>{number(mine)}</dd>
        </div>
        <div>
          <dt>{t("line.serving")}</dt>
          <dd>{number(nowServing)}</dd>
        </div>
        <div>
          <dt>{t("line.time")}</dt>
          <dd>{left === null ? t("line.unknown") : left < 60 ? t("line.moment") : t("line.minutes", { count: Math.ceil(left / 60) })}</dd>
        </div>
      </dl>
      <p>{t("line.leave")}</p>
      {!live && <p className="quiet">{t("line.deaf")}</p>}
      <CancelButton booking={booking} onChange={onChange} />
    </div>
  );
}
