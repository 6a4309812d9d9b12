"use client";

/** Make an event: what and when, where, the house, the prices. It becomes a draft; publishing is another step. */

import { useRouter } from "next/navigation";
import { useMemo, useState } from "react";

import { call } from "@/api/client";
import { Field } from "@/components/Field";
import { Failure } from "@/components/Failure";
import { explainError, type Explained } from "@/components/problem";
import { useWords } from "@/components/providers";

import { Gate } from "./Gate";
import { HouseEditor } from "./HouseEditor";
import { minorUnits, placesOf, sectionsOf, template, TEMPLATES, tiersOf, type TemplateName } from "./templates";
import { momentAt } from "./times";

const CURRENCIES = ["EUR", "CHF", "GBP", "USD", "JPY"];

export function NewEventScreen() {
  return (
    <Gate role="organiser">
      <NewEvent />
    </Gate>
  );
}

function NewEvent() {
  const words = useWords();
  const { t } = words;
  const router = useRouter();
  const [name, setName] = useState<TemplateName>("theatre");
  const [house, setHouse] = useState(() => template("theatre"));
  const [currency, setCurrency] = useState("EUR");
  const [failed, setFailed] = useState<Explained | null>(null);
  const [busy, setBusy] = useState(false);
  const zones = useMemo(() => Intl.supportedValuesOf("timeZone"), []);
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const save = async (form: FormData) => {
    const text = (field: string) => String(form.get(field) ?? "").trim();
    const zone = text("timezone");
    const [starts_at, ends_at, sale] = [text("starts"), text("ends"), text("sale")].map((one) => momentAt(one, zone));
    if (!starts_at || !ends_at || house.tiers.some((tier) => minorUnits(tier.price, currency) === null)) {
      return setFailed({ what: t("error.invalid-argument.what"), money: t("organiser.unsaved"), next: t("error.invalid-argument.next") });
    }
    setBusy(true);
    setFailed(null);
    try {
      const event = await call("post", "/api/v1/events", {
        body: {
          title: text("title"),
          description: text("description"),
          category: text("category"),
          starts_at,
          ends_at,
          sale_starts_at: sale ?? null,
          max_per_booking: Number(text("most")),
          venue: { name: text("venue"), address: text("address"), city: text("city"), country: text("country").toUpperCase(), timezone: zone },
          sections: sectionsOf(house.sections),
          tiers: tiersOf(house.tiers, currency),
        },
      });
      router.push(`/organiser/events/${event.id}`);
    } catch (error) {
      setFailed(explainError(words, error, t("organiser.unsaved")));
      setBusy(false);
    }
  };
  return (
    <div className="narrow section">
      <h1>{t("organiser.new")}</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save(new FormData(event.currentTarget));
        }}
      >
        <section className="sheet">
          <h2>{t("organiser.what")}</h2>
          <Field label={t("organiser.title")} name="title" required maxLength={200} />
          <div className="field">
            <label htmlFor="description">{t("organiser.description")}</label>
            <textarea id="description" name="description" rows={4} maxLength={5000} />
          </div>
          <div className="two">
            <Field label={t("organiser.category")} name="category" maxLength={50} />
            <Field label={t("organiser.most")} name="most" type="number" min={1} max={50} defaultValue={8} required />
            <Field label={t("organiser.starts")} name="starts" type="datetime-local" required />
            <Field label={t("organiser.ends")} name="ends" type="datetime-local" required />
            <Field label={t("organiser.sale")} name="sale" type="datetime-local" hint={t("organiser.sale.hint")} />
            <div className="field">
              <label htmlFor="timezone">{t("organiser.timezone")}</label>
              <select id="timezone" name="timezone" defaultValue={here}>
                {(zones.includes(here) ? zones : [here, ...zones]).map((zone) => (
                  <option key={zone}>{zone}</option>
                ))}
              </select>
            </div>
          </div>
        </section>
        <section className="sheet">
          <h2>{t("organiser.where")}</h2>
          <div className="two">
            <Field label={t("organiser.venue")} name="venue" required maxLength={200} />
            <Field label={t("address.line1")} name="address" maxLength={300} />
            <Field label={t("address.city")} name="city" required maxLength={100} />
            <Field label={t("address.country")} name="country" required pattern="[A-Za-z]{2}" maxLength={2} hint={t("address.country.hint")} />
          </div>
        </section>
        <section className="sheet">
          <h2>{t("organiser.house")}</h2>
          <div className="two">
            <div className="field">
              <label htmlFor="template">{t("organiser.template")}</label>
              <select
                id="template"
                value={name}
                onChange={(event) => {
                  const wanted = event.target.value as TemplateName;
                  setName(wanted);
                  setHouse(template(wanted));
                }}
              >
                {TEMPLATES.map((one) => (
                  <option key={one} value={one}>
                    {t(`organiser.template.${one}`)}
                  </option>
                ))}
              </select>
            </div>
            <div className="field">
              <label htmlFor="currency">{t("organiser.currency")}</label>
              <select id="currency" value={currency} onChange={(event) => setCurrency(event.target.value)}>
                {CURRENCIES.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            </div>
          </div>
          <HouseEditor house={house} onChange={setHouse} />
          <p className="total">
            <span>{t("organiser.places")}</span>
            <strong>{words.number(placesOf(house.sections))}</strong>
          </p>
        </section>
        {failed && <Failure {...failed} />}
        <button type="submit" className="button" disabled={busy}>
          {t("organiser.save")}
        </button>
      </form>
    </div>
  );
}
