"use client";

/** One's own name, phone and language, and one's addresses. */

import { useCallback, useEffect, useState } from "react";

import { call } from "@/api/client";
import type { Address, Me } from "@/api/types";
import { Again } from "@/components/Again";
import { Field } from "@/components/Field";
import { Failure } from "@/components/Failure";
import { Notice } from "@/components/Notice";
import { explainError, type Explained } from "@/components/problem";
import { useSession, useWords } from "@/components/providers";
import { SignIn } from "@/components/SignIn";
import { LOCALES } from "@/messages";

import { Addresses } from "./Addresses";

export function AccountScreen() {
  const words = useWords();
  const { t } = words;
  const { person } = useSession();
  const [me, setMe] = useState<Me | null>(null);
  const [addresses, setAddresses] = useState<Address[]>([]);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(async () => {
    try {
      const [profile, mine] = await Promise.all([call("get", "/api/v1/users/me"), call("get", "/api/v1/users/me/addresses")]);
      setMe(profile);
      setAddresses(mine.items);
      setError(null);
    } catch (failed) {
      setError(failed);
    }
  }, []);
  useEffect(() => {
    if (person) void load();
  }, [person, load]);
  const problem = error ? explainError(words, error, t("money.safe")) : null;
  return (
    <div className="narrow section">
      <h1>{t("nav.account")}</h1>
      {!person && (
        <div className="sheet">
          <SignIn />
        </div>
      )}
      {problem && (
        <Failure {...problem}>
          <Again onClick={() => void load()} />
        </Failure>
      )}
      {person && me && <Profile me={me} onChange={setMe} />}
      {person && me && <Addresses items={addresses} onChange={() => void load()} />}
    </div>
  );
}

function Profile({ me, onChange }: { me: Me; onChange: (me: Me) => void }) {
  const words = useWords();
  const { t } = words;
  const [outcome, setOutcome] = useState<"saved" | Explained | null>(null);
  const save = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "").trim();
    try {
      const body = { name: text("name"), phone: text("phone"), language: text("language") };
      onChange(await call("patch", "/api/v1/users/me", { body }));
      setOutcome("saved");
    } catch (error) {
      setOutcome(explainError(words, error, t("money.safe")));
    }
  };
  return (
    <form
      className="sheet"
      onSubmit={(event) => {
        event.preventDefault();
        void save(new FormData(event.currentTarget));
      }}
    >
      <h2>{t("account.profile")}</h2>
      <p className="quiet">{me.email}</p>
      <Field label={t("signIn.name")} name="name" defaultValue={me.name} required maxLength={100} autoComplete="name" />
      <Field
        label={t("account.phone")}
        name="phone"
        type="tel"
        defaultValue={me.phone}
        pattern="(\+[1-9][0-9]{6,14})?"
        autoComplete="tel"
        hint={t("account.phone.hint")}
      />
      <div className="field">
        <label htmlFor="mail-language">{t("account.language")}</label>
        <select id="mail-language" name="language" defaultValue={me.language.slice(0, 2) || words.locale}>
          {LOCALES.map((locale) => (
            <option key={locale} value={locale}>
              {new Intl.DisplayNames(words.locale, { type: "language" }).of(locale)}
            </option>
          ))}
        </select>
      </div>
      {outcome === "saved" ? <Notice kind="good" title={t("account.saved")} /> : outcome && <Failure {...outcome} />}
      <button type="submit" className="button">
        {t("account.save")}
      </button>
    </form>
  );
}
