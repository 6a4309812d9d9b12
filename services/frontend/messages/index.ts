/** Words in the reader's language; amounts and times as people there write them. */

import type { Money } from "@/api/types";

import type en from "./en.json";

export const LOCALES = ["en", "de"] as const;
export type Locale = (typeof LOCALES)[number];
export type Messages = typeof en;
export type Key = keyof Messages;
export type Values = Record<string, string | number>;

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
  const date = (iso: string, kind: keyof typeof DATES, timeZone = "") => {
    const when = new Date(iso);
    return Number.isNaN(when.getTime()) ? "" : dateFormat(locale, kind, timeZone).format(when);
  };
  return {
    locale,
    t: (key, values) => find(key, values) ?? key,
    find,
    money: ({ amount, currency }) => moneyText(locale, amount, currency),
    day: (iso, timeZone) => date(iso, "day", timeZone),
    moment: (iso, timeZone) => date(iso, "moment", timeZone),
    number: (value) => numbers.format(value),
  };
}

/** Minor units as the currency has them: 1250 EUR is 12.50, 1250 JPY is 1,250. */
export function moneyText(locale: string, amount: number, currency: string): string {
  const format = made(`${locale} ${currency}`, () => new Intl.NumberFormat(locale, { style: "currency", currency }));
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

const DATES = {
  day: { dateStyle: "full" },
  moment: { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
} satisfies Record<string, Intl.DateTimeFormatOptions>;

function dateFormat(locale: Locale, kind: keyof typeof DATES, timeZone: string): Intl.DateTimeFormat {
  const language = locale === "en" ? "en-GB" : locale;
  return made(`${locale} ${kind} ${timeZone}`, () => new Intl.DateTimeFormat(language, { ...DATES[kind], ...(timeZone ? { timeZone } : {}) }));
}

const formats = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

/** To make a format costs fifty times what using it does; there are as many as currencies and time zones at most. */
function made<F extends Intl.NumberFormat | Intl.DateTimeFormat>(name: string, make: () => F): F {
  const known = formats.get(name) as F | undefined;
  if (known) return known;
  const format = make();
  formats.set(name, format);
  return format;
}
