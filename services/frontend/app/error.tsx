"use client";

import { Notice } from "@/components/Notice";
import { useWords } from "@/components/providers";

export default function Failed({ reset }: { reset: () => void }) {
  const { t } = useWords();
  return (
    <div className="narrow section">
      <h1>{t("failed.title")}</h1>
      <Notice kind="error" title={t("error.other.what")}>
        <p>{t("money.safe")}</p>
        <p>{t("failed.next")}</p>
        <button type="button" className="button" onClick={reset}>
          {t("look.again")}
        </button>
      </Notice>
    </div>
  );
}
