"use client";

import Link from "next/link";

import type { Event } from "@/api/types";
import { useWords } from "@/components/providers";

import { keepChoice, placesIn, withArea, withoutSeats, type Choice } from "./choice";
import { linesOf, totalOf } from "./price";

interface Props {
  event: Event;
  choice: Choice;
  /** Buying has not begun. */
  blocked: boolean;
}

/** What was chosen, what it costs, and the way on. */
export function Panel({ event, choice, blocked }: Props) {
  const words = useWords();
  const { t, money } = words;
  const lines = linesOf(event, choice, words);
  const total = totalOf(event, choice);
  const remove = (key: string) =>
    keepChoice(
      event.id,
      key.startsWith("area:") ? withArea(choice, key.slice("area:".length), 0) : withoutSeats(choice, [key]),
    );
  return (
    <div className="panel">
      <h3>{t("choice.title")}</h3>
      {lines.length === 0 && <p className="quiet">{t("choice.none")}</p>}
      <ul className="lines">
        {lines.map((line) => (
          <li key={line.key}>
            <span>{line.text}</span>
            <span className="lines-price">{line.price && money({ ...line.price, amount: line.price.amount * line.many })}</span>
            <button type="button" className="icon" aria-label={t("choice.remove", { place: line.text })} onClick={() => remove(line.key)}>
              ×
            </button>
          </li>
        ))}
      </ul>
      <div className={lines.length ? "panel-go panel-go-full" : "panel-go"}>
        <p className="total">
          <span>{t("choice.total", { count: placesIn(choice) })}</span>
          <strong>{total ? money(total) : "–"}</strong>
        </p>
        {lines.length > 0 && !blocked ? (
          <Link className="button" href={`/events/${event.id}/checkout`}>
            {t("choice.go")}
          </Link>
        ) : (
          <button type="button" className="button" disabled>
            {t("choice.go")}
          </button>
        )}
      </div>
      <p className="quiet small">{t("choice.promise")}</p>
    </div>
  );
}
