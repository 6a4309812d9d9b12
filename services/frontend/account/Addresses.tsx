"use client";

import { useState } from "react";

import { call } from "@/api/client";
import type { Address } from "@/api/types";
import { Field } from "@/components/Field";
import { Failure } from "@/components/Failure";
import { explainError, type Explained } from "@/components/problem";
import { useWords } from "@/components/providers";

const FIELDS = ["label", "line1", "line2", "postal_code", "city"] as const;
const NEEDED = new Set<string>(["line1", "postal_code", "city"]);
const AUTOCOMPLETE: Record<string, string> = {
  line1: "address-line1",
  line2: "address-line2",
  postal_code: "postal-code",
  city: "address-level2",
};

/** Addresses: add one, change one, delete one. */
export function Addresses({ items, onChange }: { items: Address[]; onChange: () => void }) {
  const words = useWords();
  const { t } = words;
  const [editing, setEditing] = useState<Address | "new" | null>(null);
  const [failed, setFailed] = useState<Explained | null>(null);
  const attempt = async (work: () => Promise<unknown>) => {
    setFailed(null);
    try {
      await work();
      setEditing(null);
      onChange();
    } catch (error) {
      setFailed(explainError(words, error, t("money.safe")));
    }
  };
  const save = (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const body = {
      label: text("label"),
      line1: text("line1"),
      line2: text("line2"),
      postal_code: text("postal_code"),
      city: text("city"),
      country: text("country").toUpperCase(),
      is_default: form.get("is_default") !== null,
    };
    return attempt(() =>
      editing && editing !== "new"
        ? call("put", "/api/v1/users/me/addresses/{id}", { id: editing.id, body })
        : call("post", "/api/v1/users/me/addresses", { body }),
    );
  };
  const current = editing === "new" ? null : editing;
  return (
    <section className="sheet" aria-labelledby="addresses">
      <h2 id="addresses">{t("address.title")}</h2>
      {items.length === 0 && <p className="quiet">{t("address.none")}</p>}
      <ul className="addresses">
        {items.map((one) => (
          <li key={one.id}>
            <p>
              {one.label && <strong>{one.label} </strong>}
              {one.is_default && <span className="tag">{t("address.default")}</span>}
              <br />
              {[one.line1, one.line2, `${one.postal_code} ${one.city}`, one.country].filter(Boolean).join(", ")}
            </p>
            <p>
              <button type="button" className="link" aria-label={t("address.change.which", { address: one.line1 })} onClick={() => setEditing(one)}>
                {t("address.change")}
              </button>{" "}
              <button
                type="button"
                className="link"
                aria-label={t("address.delete.which", { address: one.line1 })}
                onClick={() => void attempt(() => call("delete", "/api/v1/users/me/addresses/{id}", { id: one.id }))}
              >
                {t("address.delete")}
              </button>
            </p>
          </li>
        ))}
      </ul>
      {failed && <Failure {...failed} />}
      {editing ? (
        <form
          key={current?.id ?? "new"}
          onSubmit={(event) => {
            event.preventDefault();
            void save(new FormData(event.currentTarget));
          }}
        >
          {FIELDS.map((name) => (
            <Field
              key={name}
              label={t(`address.${name}`)}
              name={name}
              defaultValue={current?.[name] ?? ""}
              required={NEEDED.has(name)}
              maxLength={200}
              autoComplete={AUTOCOMPLETE[name] ?? "off"}
            />
          ))}
          <Field
            label={t("address.country")}
            name="country"
            defaultValue={current?.country ?? ""}
            required
            pattern="[A-Za-z]{2}"
            maxLength={2}
            autoComplete="country"
            hint={t("address.country.hint")}
          />
          <label className="check">
            <input type="checkbox" name="is_default" defaultChecked={current?.is_default ?? items.length === 0} /> {t("address.is_default")}
          </label>
          <div className="actions">
            <button type="submit" className="button">
              {t("account.save")}
            </button>
            <button type="button" className="button button-quiet" onClick={() => setEditing(null)}>
              {t("address.cancel")}
            </button>
          </div>
        </form>
      ) : (
        <button type="button" className="button button-quiet" onClick={() => setEditing("new")}>
          {t("address.add")}
        </button>
      )}
    </section>
  );
}
