"use client";

import { useRouter } from "next/navigation";

import { useWords } from "@/components/providers";
import { SignIn } from "@/components/SignIn";

export function SignInScreen({ next }: { next: string }) {
  const { t } = useWords();
  const router = useRouter();
  return (
    <div className="narrow section">
      <h1>{t("signIn.title")}</h1>
      <div className="sheet">
        <SignIn organisers onDone={() => router.push(next)} />
      </div>
    </div>
  );
}
