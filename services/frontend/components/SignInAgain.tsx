"use client";

/** Asks whoever is signed in no more to sign in again, over whatever page it is: nothing on it is lost. */

import { useEffect, useRef } from "react";

import { useSession, useWords } from "./providers";
import { SignIn } from "./SignIn";

export function SignInAgain() {
  const { t } = useWords();
  const { person, hasEnded, later } = useSession();
  const dialog = useRef<HTMLDialogElement>(null);
  const shown = hasEnded && person !== null;
  useEffect(() => {
    if (shown) dialog.current?.showModal();
  }, [shown]);
  if (!shown) return null;
  return (
    <dialog ref={dialog} className="sheet again" aria-labelledby="again-title" onClose={later}>
      <h2 id="again-title">{t("signIn.again")}</h2>
      <p>{t("signIn.again.about")}</p>
      <SignIn />
      <p>
        <button type="button" className="link" onClick={later}>
          {t("signIn.later")}
        </button>
      </p>
    </dialog>
  );
}
