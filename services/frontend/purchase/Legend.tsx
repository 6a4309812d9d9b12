import type { Event } from "@/api/types";
import { useWords } from "@/components/providers";
import type { Places } from "@/seatmap/places";

interface Props {
  event: Event;
  places: Places;
  tier: number | null;
  onTier(tier: number | null): void;
}

/** Prices with their colours; pressing one lets the others fade. */
export function Legend({ event, places, tier, onTier }: Props) {
  const { t, money } = useWords();
  const free = (at: number) =>
    places.layout.sections.filter((one) => one.tier === at).reduce((sum, one) => sum + places.free(one.id), 0);
  return (
    <div className="legend">
      <ul className="legend-prices" aria-label={t("event.prices")}>
        {event.tiers.map((one, at) => (
          <li key={one.id}>
            <button
              type="button"
              className="legend-price"
              aria-pressed={tier === at}
              onClick={() => onTier(tier === at ? null : at)}
            >
              <span className={`swatch tier-${at % 8}`} aria-hidden="true" />
              <span>
                {one.name} <strong>{money(one.price)}</strong>
              </span>
              <span className="quiet">{t("event.free", { count: free(at) })}</span>
            </button>
          </li>
        ))}
      </ul>
      {places.layout.count > 0 && (
        <ul className="legend-states">
          {(["free", "held", "sold", "chosen"] as const).map((state) => (
            <li key={state}>
              <StateMark state={state} /> {t(`state.${state}`)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function StateMark({ state }: { state: "free" | "held" | "sold" | "chosen" }) {
  return (
    <svg className={`state-mark state-${state}`} viewBox="0 0 16 16" aria-hidden="true">
      {state === "sold" ? <path d="m5 5 6 6m0-6-6 6" /> : <circle cx="8" cy="8" r="5.5" />}
      {state === "chosen" && <path d="m5.4 8.2 1.8 1.9 3.4-3.8" />}
    </svg>
  );
}
