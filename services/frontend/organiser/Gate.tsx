"use client";

import type { ReactNode } from "react";

import { Notice } from "@/components/Notice";
import { useSession, useWords } from "@/components/providers";
import { SignIn } from "@/components/SignIn";

/** What only some may see; the gateway decides, this asks them to sign in. */
export function Gate({ role, children }: { role: "organiser" | "admin"; children: ReactNode }) {
  const { t } = useWords();
  const { person } = useSession();
  if (person?.roles.some((one) => one === role || one === "admin")) return children;
  return (
    <div className="narrow section">
      {person ? (
        <Notice kind="info" title={t("error.forbidden.what")}>
          <p>{t("error.forbidden.next")}</p>
        </Notice>
      ) : (
        <div className="sheet">
          <SignIn organisers={role === "organiser"} />
        </div>
      )}
    </div>
  );
}
