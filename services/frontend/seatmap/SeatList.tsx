"use client";

/** The same places as words and buttons: for screen readers, and for whoever likes lists. */

import { useState } from "react";

import { useWords } from "@/components/providers";

import { stateWord } from "./SeatMap";
import type { Places } from "./places";

interface Props {
  places: Places;
  chosen: ReadonlySet<number>;
  price(tier: number): string;
  onToggle(seat: number): void;
}

export function SeatList({ places, chosen, price, onToggle }: Props) {
  const { t } = useWords();
  const [open, setOpen] = useState<string | null>(null);
  const seated = places.layout.sections.filter((section) => section.count);
  return (
    <div className="seat-list">
      {seated.map((section) => (
        <section key={section.id}>
          <h3>
            <button
              type="button"
              className="seat-list-section"
              aria-expanded={open === section.id}
              onClick={() => setOpen(open === section.id ? null : section.id)}
            >
              <span className={`swatch tier-${section.tier % 8}`} aria-hidden="true" />
              <span>{section.name}</span>
              <span className="quiet">
                {price(section.tier)} · {t("event.free", { count: places.free(section.id) })}
              </span>
            </button>
          </h3>
          {open === section.id &&
            section.rows.map((row) => (
              <fieldset key={row.label} className="seat-row">
                <legend>{t("place.row", { row: row.label })}</legend>
                {Array.from({ length: row.count }, (_, at) => {
                  const seat = row.first + at;
                  const state = stateWord(places, seat);
                  const isChosen = chosen.has(seat);
                  return (
                    <button
                      key={seat}
                      type="button"
                      className={`seat seat-${state}`}
                      aria-pressed={isChosen}
                      disabled={state !== "free" && !isChosen}
                      aria-label={t("place.seat.state", { seat: at + 1, state: t(`state.${state}`) })}
                      onClick={() => onToggle(seat)}
                    >
                      {at + 1}
                    </button>
                  );
                })}
              </fieldset>
            ))}
        </section>
      ))}
    </div>
  );
}
