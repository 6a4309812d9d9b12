"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";

import { LOCALES, type Locale } from "@/messages";

import { useWords } from "./providers";

const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
const NAMES: Record<Locale, string> = { en: "English", de: "Deutsch" };
const YEAR_S = 365 * 86_400;

export function Footer({ theme: first, sandbox }: { theme: Theme; sandbox: boolean }) {
  const { t, locale } = useWords();
  const router = useRouter();
  const [theme, setTheme] = useState(first);
  const keep = (name: string, value: string) => {
    document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; samesite=lax`;
  };
  const choose = (wanted: Theme) => {
    keep("theme", wanted);
    setTheme(wanted);
    document.documentElement.dataset["theme"] = wanted;
  };
  return (
    <footer className="footer">
      <div className="wide footer-row">
        <p>{sandbox ? t("footer.sandbox") : t("footer.about")}</p>
        <div className="footer-choices">
          <label>
            {t("footer.language")}{" "}
            <select
              value={locale}
              onChange={(event) => {
                keep("locale", event.target.value);
                router.refresh();
              }}
            >
              {LOCALES.map((one) => (
                <option key={one} value={one} lang={one}>
                  {NAMES[one]}
                </option>
              ))}
            </select>
          </label>
          <label>
            {t("footer.theme")}{" "}
            <select value={theme} onChange={(event) => choose(event.target.value as Theme)}>
              {THEMES.map((one) => (
                <option key={one} value={one}>
                  {t(`footer.theme.${one}`)}
                </option>
              ))}
            </select>
          </label>
        </div>
      </div>
    </footer>
  );
}
