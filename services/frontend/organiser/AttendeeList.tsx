"use client";

/** Who comes, as a file for the door. */

import { useState } from "react";

import type { Event } from "@/api/types";
import { Failure } from "@/components/Failure";
import { explainError, type Explained } from "@/components/problem";
import { useWords } from "@/components/providers";

import { allAttendees, table } from "./attendees";

/** Without it spreadsheets take UTF-8 for something else. */
const BYTE_ORDER_MARK = "\uFEFF";
/** Some browsers read the file only after the click is handled. */
const KEPT_MS = 60_000;

export function AttendeeList({ event }: { event: Event }) {
  const words = useWords();
  const { t } = words;
  const [count, setCount] = useState<number | null>(null);
  const [done, setDone] = useState<number | null>(null);
  const [failed, setFailed] = useState<Explained | null>(null);
  const download = async () => {
    setCount(0);
    setDone(null);
    setFailed(null);
    try {
      const attendees = await allAttendees(event.id, setCount);
      save(BYTE_ORDER_MARK + table(attendees, words, event.venue.timezone), `${t("organiser.attendees.file")}-${event.id}.csv`);
      setDone(attendees.reduce((sum, one) => sum + one.tickets.length, 0));
    } catch (error) {
      setFailed(explainError(words, error, t("organiser.attendees.unsaved")));
    }
    setCount(null);
  };
  return (
    <div className="attendees">
      <button type="button" className="button button-quiet" disabled={count !== null} onClick={() => void download()}>
        {t("organiser.attendees")}
      </button>
      <p className="quiet small" role="status">
        {count !== null && t("organiser.attendees.busy", { count })}
        {done !== null && t("organiser.attendees.done", { count: done })}
        {count === null && done === null && t("organiser.attendees.about")}
      </p>
      {failed && <Failure {...failed} />}
    </div>
  );
}

function save(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
