import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";

import { Footer } from "@/components/Footer";
import { Header } from "@/components/Header";
import { Providers } from "@/components/providers";
import { SignInAgain } from "@/components/SignInAgain";
import { messagesOf } from "@/messages/all";
import { person } from "@/server/session";
import { settings } from "@/server/settings";
import { readerLocale, readerTheme, readerWords } from "@/server/words";
import "@/styles/base.css";
import "@/styles/parts.css";
import "@/styles/event.css";
import "@/styles/booking.css";

export async function generateMetadata(): Promise<Metadata> {
  const { t } = await readerWords();
  return { title: { default: t("brand"), template: `%s – ${t("brand")}` }, description: t("brand.about") };
}

export const viewport: Viewport = { width: "device-width", initialScale: 1, colorScheme: "light dark" };

export default async function RootLayout({ children }: { children: ReactNode }) {
  const [locale, theme, who, { t }] = await Promise.all([readerLocale(), readerTheme(), person(), readerWords()]);
  const { socketUrl, stripeKey } = settings();
  return (
    <html lang={locale} data-theme={theme}>
      <body>
        <Providers locale={locale} messages={messagesOf(locale)} person={who} socketUrl={socketUrl}>
          <a className="skip" href="#main">
            {t("skip")}
          </a>
          <Header />
          <main id="main" tabIndex={-1}>
            {children}
          </main>
          <Footer theme={theme} sandbox={!stripeKey} />
          <SignInAgain />
        </Providers>
      </body>
    </html>
  );
}
