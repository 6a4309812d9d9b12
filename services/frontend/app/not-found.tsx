import Link from "next/link";

import { readerWords } from "@/server/words";

export default async function NotFound() {
  const { t } = await readerWords();
  return (
    <div className="narrow section">
      <h1>{t("missing.title")}</h1>
      <p>{t("missing.about")}</p>
      <p>{t("money.safe")}</p>
      <div className="actions">
        <Link className="button" href="/">
          {t("missing.next")}
        </Link>
        <Link className="button button-quiet" href="/bookings">
          {t("missing.booking.next")}
        </Link>
      </div>
    </div>
  );
}
