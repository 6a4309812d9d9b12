"use client";

import { useWords } from "./providers";

/** The way on from what may well work the next time. */
export function Again({ onClick }: { onClick: () => void }) {
  const { t } = useWords();
  return (
    <button type="button" className="button button-quiet" onClick={onClick}>
      {t("look.again")}
    </button>
  );
}
