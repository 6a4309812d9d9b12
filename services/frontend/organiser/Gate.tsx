"use client";

import type { ReactNode } from "react";

import { Failure } from "@/components/Failure";
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
        <Failure what={t("error.forbidden.what")} money={t("money.safe")} next={t("error.forbidden.next")} />
      ) : (
        <div className="sheet">
          <SignIn organisers={role === "organiser"} />
        </div>
      )}
    </div>
  );
}
