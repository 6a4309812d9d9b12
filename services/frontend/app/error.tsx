"use client";

import { Failure } from "@/components/Failure";
import { useWords } from "@/components/providers";

export default function Failed({ reset }: { reset: () => void }) {
  const { t } = useWords();
  return (
    <div className="narrow section">
      <h1>{t("failed.title")}</h1>
      <Failure what={t("error.other.what")} money={t("money.safe")} next={t("failed.next")}>
        <button type="button" className="button" onClick={reset}>
          {t("look.again")}
        </button>
      </Failure>
    </div>
  );
}
