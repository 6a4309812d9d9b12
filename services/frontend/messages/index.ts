/** Words in the reader's language; amounts and times as people there write them. */

import type { Money } from "@/api/types";

import de from "./de.json";
import en from "./en.json";

export const LOCALES = ["en", "de"] as const;
export type Locale = (typeof LOCALES)[number];
export type Messages = typeof en;
export type Key = keyof Messages;
export type Values = Record<string, string | number>;

const ALL: Record<Locale, Messages> = { en, de };

export function messagesOf(locale: Locale): Messages {
  return ALL[locale];
}

/** The first language of the list that we speak. */
export function chosenLocale(cookie: string | undefined, acceptLanguage: string | null): Locale {
  const wanted = [cookie ?? "", ...(acceptLanguage ?? "").split(",")];
  for (const one of wanted) {
    const language = one.trim().slice(0, 2).toLowerCase();
    const found = LOCALES.find((locale) => locale === language);
    if (found) return found;
  }
  return "en";
}

export interface Words {
  locale: Locale;
  /** `{name}` is replaced; with `count`, `key.one` is taken where the language says so. */
  t(key: Key, values?: Values): string;
  /** The message of that name if there is one: for reasons, which are open-ended. */
  find(key: string, values?: Values): string | null;
  money(money: Money): string;
  day(iso: string, timeZone?: string): string;
  moment(iso: string, timeZone?: string): string;
  number(value: number): string;
}

export function wordsOf(locale: Locale, messages: Messages): Words {
  const plural = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  const all = messages as Record<string, string>;
  const find = (key: string, values: Values = {}): string | null => {
    const count = values["count"];
    const one = typeof count === "number" && plural.select(count) === "one" ? all[`${key}.one`] : undefined;
    const text = one ?? all[key];
    if (text === undefined) return null;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : typeof value === "number" ? numbers.format(value) : value;
    });
  };
  const date = (iso: string, options: Intl.DateTimeFormatOptions) => {
    const when = new Date(iso);
    return Number.isNaN(when.getTime()) ? "" : new Intl.DateTimeFormat(locale === "en" ? "en-GB" : locale, options).format(when);
  };
  return {
    locale,
    t: (key, values) => find(key, values) ?? key,
    find,
    money: ({ amount, currency }) => moneyText(locale, amount, currency),
    day: (iso, timeZone) => date(iso, { dateStyle: "full", ...(timeZone ? { timeZone } : {}) }),
    moment: (iso, timeZone) =>
      date(iso, {
        weekday: "short",
        day: "numeric",
        month: "short",
        year: "numeric",
        hour: "2-digit",
        minute: "2-digit",
        ...(timeZone ? { timeZone } : {}),
      }),
    number: (value) => numbers.format(value),
  };
}

/** Minor units as the currency has them: 1250 EUR is 12.50, 1250 JPY is 1,250. */
export function moneyText(locale: string, amount: number, currency: string): string {
  const format = new Intl.NumberFormat(locale, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}
