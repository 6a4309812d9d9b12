"use client";

import Link from "next/link";
import { usePathname, useRouter } from "next/navigation";
import { useState } from "react";

import { useIsOnline, useSession, useWords } from "./providers";

export function Header() {
  const { t } = useWords();
  const { person, signOut } = useSession();
  const router = useRouter();
  const path = usePathname();
  const isOrganiser = person?.roles.some((role) => role === "organiser" || role === "admin");
  const [stayed, setStayed] = useState(false);
  const leave = async () => {
    setStayed(false);
    try {
      await signOut();
    } catch {
      return setStayed(true);
    }
    router.push("/");
    router.refresh();
  };
  const item = (href: string, text: string) => (
    <li>
      {/* Not asked for ahead: these pages are made for one person, and a crowd stands at the event's. */}
      <Link href={href} prefetch={false} aria-current={path.startsWith(href) ? "page" : undefined}>
        {text}
      </Link>
    </li>
  );
  return (
    <header className={person ? "header signed-in" : "header"}>
      <div className="wide header-row">
        <Link href="/" prefetch={false} className="brand" aria-label={t("brand")}>
          <Mark />
          <span>{t("brand")}</span>
        </Link>
        <nav aria-label={t("nav.label")}>
          <ul>
            {isOrganiser && item("/organiser", t("nav.organiser"))}
            {person?.roles.includes("admin") && item("/support", t("nav.support"))}
            {item("/bookings", t("nav.bookings"))}
            {person ? item("/account", t("nav.account")) : item("/sign-in", t("nav.signIn"))}
            {person && (
              <li>
                <button type="button" className="link" onClick={() => void leave()}>
                  {t("nav.signOut")}
                </button>
              </li>
            )}
          </ul>
        </nav>
      </div>
      <OfflineBar />
      <div className="offline" role="alert">
        {stayed && person && <p>{t("signOut.failed")}</p>}
      </div>
    </header>
  );
}

function OfflineBar() {
  const { t } = useWords();
  const online = useIsOnline();
  return (
    <div className="offline" role="status">
      {!online && <p>{t("offline")}</p>}
    </div>
  );
}

function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M4 8h24v5a3 3 0 0 0 0 6v5H4v-5a3 3 0 0 0 0-6z" fill="currentColor" />
      <path d="M20 9v14" className="mark-line" strokeWidth="2" strokeDasharray="2.5 2.5" />
    </svg>
  );
}
