/** The reader's language and theme, as this request says. */

import { cookies, headers } from "next/headers";

import type { Theme } from "@/components/Footer";
import { chosenLocale, wordsOf, type Locale, type Words } from "@/messages";
import { messagesOf } from "@/messages/all";

const WORDS: Record<Locale, Words> = { en: wordsOf("en", messagesOf("en")), de: wordsOf("de", messagesOf("de")) };

export async function readerLocale(): Promise<Locale> {
  return chosenLocale((await cookies()).get("locale")?.value, (await headers()).get("accept-language"));
}

export async function readerWords(): Promise<Words> {
  return WORDS[await readerLocale()];
}

export async function readerTheme(): Promise<Theme> {
  const theme = (await cookies()).get("theme")?.value;
  return theme === "light" || theme === "dark" ? theme : "auto";
}
