"use client";

/** Sign in or open an account, wherever it is needed; what was chosen meanwhile stays. */

import { useState } from "react";

import { send } from "@/api/client";
import type { Person } from "@/server/session";

import { Failure } from "./Failure";
import { Field } from "./Field";
import { explainError, type Explained } from "./problem";
import { useSession, useWords } from "./providers";

interface Props {
  onDone?: (person: Person) => void;
  /** Offer accounts for organisers too. */
  organisers?: boolean;
  /** What is true of the money whatever fails. */
  money?: string;
}

export function SignIn({ onDone, organisers = false, money }: Props) {
  const words = useWords();
  const { t } = words;
  const { signedIn } = useSession();
  const [isNew, setIsNew] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Explained | null>(null);
  const submit = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "");
    const who = { email: text("email").trim(), password: text("password") };
    const more = { name: text("name").trim(), ...(form.get("organiser") ? { role: "organiser" } : {}) };
    setBusy(true);
    setFailed(null);
    try {
      const answer = await send(isNew ? "/api/account" : "/api/session", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(isNew ? { ...who, ...more } : who),
      });
      const person = (await answer.json()) as Person;
      signedIn(person);
      onDone?.(person);
    } catch (error) {
      setFailed(explainError(words, error, money ?? t("money.safe")));
      setBusy(false);
    }
  };
  return (
    <form
      className="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(new FormData(event.currentTarget));
      }}
    >
      <div className="switch" role="group" aria-label={t("signIn.which")}>
        <button type="button" aria-pressed={!isNew} onClick={() => setIsNew(false)}>
          {t("signIn.known")}
        </button>
        <button type="button" aria-pressed={isNew} onClick={() => setIsNew(true)}>
          {t("signIn.new")}
        </button>
      </div>
      {failed && <Failure {...failed} />}
      {isNew && <Field label={t("signIn.name")} name="name" autoComplete="name" required maxLength={100} />}
      <Field label={t("signIn.email")} name="email" type="email" autoComplete="email" required maxLength={254} />
      <Field
        label={t("signIn.password")}
        name="password"
        type="password"
        autoComplete={isNew ? "new-password" : "current-password"}
        required
        minLength={isNew ? 10 : 1}
        maxLength={128}
        {...(isNew ? { hint: t("signIn.password.hint") } : {})}
      />
      {isNew && organisers && (
        <label className="check">
          <input type="checkbox" name="organiser" /> {t("signIn.organiser")}
        </label>
      )}
      <button type="submit" className="button button-wide" disabled={busy}>
        {t(busy ? "signIn.busy" : isNew ? "signIn.create" : "signIn.go")}
      </button>
    </form>
  );
}
