"use client";

import { useId, useState } from "react";

import type { Event } from "@/api/types";
import { useWords } from "@/components/providers";
import type { Places } from "@/seatmap/places";

import { keepChoice, placesIn, withArea, type Choice } from "./choice";
import { sectionPrice } from "./price";

interface Props {
  event: Event;
  places: Places;
  choice: Choice;
}

/** So many places of a section, the frontmost side by side: chosen when it is our turn, so nobody can be quicker. */
export function BestAvailable({ event, places, choice }: Props) {
  const { t, money } = useWords();
  const id = useId();
  const free = event.sections.filter((section) => places.version < 0 || places.free(section.id) > 0);
  const [wanted, setWanted] = useState("");
  const section = free.find((one) => one.id === wanted) ?? free[0];
  const [quantity, setQuantity] = useState(2);
  if (!section) return <p className="notice notice-info">{t("event.soldOut")}</p>;
  const taken = choice.areas.find((area) => area.section_id === section.id)?.quantity ?? 0;
  const left = event.max_per_booking - placesIn(choice) + taken;
  const most = Math.min(left, places.version < 0 ? left : places.free(section.id));
  const many = Math.min(quantity, Math.max(1, most));
  const price = sectionPrice(event, section.id);
  const hasSeats = places.layout.count > 0;
  return (
    <form
      className="best"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        if (most > 0) keepChoice(event.id, withArea(choice, section.id, many));
      }}
    >
      <h3>{t(hasSeats ? "best.title" : "best.standing")}</h3>
      {hasSeats && <p className="quiet">{t("best.about")}</p>}
      <div className="best-row">
        <label htmlFor={`${id}-section`}>
          <span>{t("best.section")}</span>
          <select id={`${id}-section`} value={section.id} onChange={(event_) => setWanted(event_.target.value)}>
            {free.map((one) => {
              const cost = sectionPrice(event, one.id);
              return (
                <option key={one.id} value={one.id}>
                  {one.name}
                  {cost ? ` – ${money(cost)}` : ""}
                </option>
              );
            })}
          </select>
        </label>
        <label htmlFor={`${id}-many`}>
          <span>{t("best.many")}</span>
          <select id={`${id}-many`} value={many} onChange={(event_) => setQuantity(Number(event_.target.value))}>
            {Array.from({ length: Math.max(1, most) }, (_, at) => (
              <option key={at} value={at + 1}>
                {at + 1}
              </option>
            ))}
          </select>
        </label>
      </div>
      <button type="submit" className="button button-quiet" disabled={most < 1}>
        {t(taken ? "best.change" : "best.add")}
        {price && ` · ${money({ ...price, amount: price.amount * many })}`}
      </button>
    </form>
  );
}
