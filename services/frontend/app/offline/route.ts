/** What a browser shows where no page arrived. It is kept before it is needed (public/sw.js), so in all languages at once. */

import { LOCALES, wordsOf, type Locale } from "@/messages";
import { messagesOf } from "@/messages/all";

export const dynamic = "force-static";

export function GET(): Response {
  const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${LOCALES.map((locale) => wordsFor(locale).t("away.title")).join(" · ")}</title>
    <link rel="stylesheet" href="/offline.css">
    <script src="/offline.js" defer></script>
  </head>
  <body>
    <main>${LOCALES.map(said).join("")}</main>
  </body>
</html>`;
  return new Response(html, { headers: { "Content-Type": "text/html; charset=utf-8" } });
}

/** An address without a path is the one that did not load. */
function said(locale: Locale, at: number): string {
  const { t } = wordsFor(locale);
  const heading = at === 0 ? "h1" : "h2";
  return `
      <section lang="${locale}">
        <${heading}>${t("away.title")}</${heading}>
        <p>${t("away.about")}</p>
        <p>${t("away.next")}</p>
        <p><a href="">${t("away.go")}</a> <a href="/bookings">${t("nav.bookings")}</a></p>
      </section>`;
}

function wordsFor(locale: Locale) {
  return wordsOf(locale, messagesOf(locale));
}
