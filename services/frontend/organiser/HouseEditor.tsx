"use client";

/** Prices and sections, a line each. */

import { useWords } from "@/components/providers";

import { newKey, type SectionLine, type Template, type TierLine } from "./templates";

interface Props {
  house: Template;
  onChange(house: Template): void;
}

export function HouseEditor({ house, onChange }: Props) {
  const { t } = useWords();
  const changeTier = (key: number, change: Partial<TierLine>) =>
    onChange({ ...house, tiers: house.tiers.map((one) => (one.key === key ? { ...one, ...change } : one)) });
  const changeSection = (key: number, change: Partial<SectionLine>) =>
    onChange({ ...house, sections: house.sections.map((one) => (one.key === key ? { ...one, ...change } : one)) });
  const addSection = (kind: SectionLine["kind"]) => {
    const line = { key: newKey(), name: "", kind, rows: 10, seats: 10, capacity: 100, tier: 0 };
    onChange({ ...house, sections: [...house.sections, line] });
  };
  const amount = (text: string) => Math.max(0, Math.min(100_000, Math.trunc(Number(text) || 0)));
  return (
    <>
      <h3>{t("event.prices")}</h3>
      <div className="scroll">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t("organiser.tier")}</th>
              <th scope="col">{t("organiser.price")}</th>
            </tr>
          </thead>
          <tbody>
            {house.tiers.map((tier, at) => (
              <tr key={tier.key}>
                <td>
                  <input aria-label={t("organiser.tier.of", { number: at + 1 })} value={tier.name} required maxLength={100} onChange={(event) => changeTier(tier.key, { name: event.target.value })} />
                </td>
                <td>
                  <input aria-label={t("organiser.price.of", { number: at + 1 })} value={tier.price} required inputMode="decimal" pattern="\d{1,10}([.,]\d{1,2})?" onChange={(event) => changeTier(tier.key, { price: event.target.value })} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>
        <button type="button" className="link" onClick={() => onChange({ ...house, tiers: [...house.tiers, { key: newKey(), name: "", price: "" }] })}>
          {t("organiser.tier.add")}
        </button>
      </p>
      <h3>{t("organiser.sections")}</h3>
      <div className="scroll">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t("organiser.section")}</th>
              <th scope="col">{t("organiser.size")}</th>
              <th scope="col">{t("organiser.price")}</th>
              <th scope="col">
                <span className="only-heard">{t("address.delete")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {house.sections.map((section, at) => (
              <tr key={section.key}>
                <td>
                  <input aria-label={t("organiser.section.of", { number: at + 1 })} value={section.name} required maxLength={100} onChange={(event) => changeSection(section.key, { name: event.target.value })} />
                </td>
                <td>
                  {section.kind === "seated" ? (
                    <span className="size">
                      <input aria-label={t("organiser.rows.of", { number: at + 1 })} type="number" min={1} max={500} value={section.rows} onChange={(event) => changeSection(section.key, { rows: Math.min(500, amount(event.target.value)) })} />
                      ×
                      <input aria-label={t("organiser.seats.of", { number: at + 1 })} type="number" min={1} max={1000} value={section.seats} onChange={(event) => changeSection(section.key, { seats: Math.min(1000, amount(event.target.value)) })} />
                    </span>
                  ) : (
                    <input aria-label={t("organiser.capacity.of", { number: at + 1 })} type="number" min={1} max={100000} value={section.capacity} onChange={(event) => changeSection(section.key, { capacity: amount(event.target.value) })} />
                  )}
                </td>
                <td>
                  <select aria-label={t("organiser.tier.for", { number: at + 1 })} value={section.tier} onChange={(event) => changeSection(section.key, { tier: Number(event.target.value) })}>
                    {house.tiers.map((tier, index) => (
                      <option key={tier.key} value={index}>
                        {tier.name || index + 1}
                      </option>
                    ))}
                  </select>
                </td>
                <td>
                  <button type="button" className="icon" aria-label={t("organiser.section.delete", { number: at + 1 })} onClick={() => onChange({ ...house, sections: house.sections.filter((one) => one !== section) })}>
                    ×
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="actions">
        <button type="button" className="link" onClick={() => addSection("seated")}>
          {t("organiser.add.seated")}
        </button>
        <button type="button" className="link" onClick={() => addSection("standing")}>
          {t("organiser.add.standing")}
        </button>
      </p>
    </>
  );
}
