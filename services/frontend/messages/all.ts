/** Every language's messages. For the server alone: a browser is sent the one language that its reader reads. */

import type { Locale, Messages } from "./index";

import de from "./de.json";
import en from "./en.json";

const ALL: Record<Locale, Messages> = { en, de };

export function messagesOf(locale: Locale): Messages {
  return ALL[locale];
}
