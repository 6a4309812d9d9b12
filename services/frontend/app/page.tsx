import Link from "next/link";

import { Away } from "@/components/Away";
import { EventCard } from "@/components/EventCard";
import { Notice } from "@/components/Notice";
import { searchEvents, type Search } from "@/server/events";
import { readerWords } from "@/server/words";

type Query = Record<string, string | string[] | undefined>;

export default async function FindPage({ searchParams }: { searchParams: Promise<Query> }) {
  const query = await searchParams;
  const text = (name: string) => (typeof query[name] === "string" ? query[name].slice(0, 200) : "");
  const search: Search = { q: text("q"), city: text("city"), cursor: text("cursor"), ...between(text("from")) };
  const [words, found] = await Promise.all([readerWords(), searchEvents(search)]);
  const { t } = words;
  const searched = Boolean(search.q || search.city || search.from);
  const more = "value" in found && found.value.next_cursor;
  return (
    <>
      <section className="hero">
        <div className="wide">
          <h1>{t("find.title")}</h1>
          <p className="lead">{t("find.lead")}</p>
          <form className="search" role="search" action="/">
            <label>
              <span>{t("find.q")}</span>
              <input name="q" type="search" defaultValue={search.q} maxLength={200} placeholder={t("find.q.example")} />
            </label>
            <label>
              <span>{t("find.city")}</span>
              <input name="city" defaultValue={search.city} maxLength={100} autoComplete="address-level2" />
            </label>
            <label>
              <span>{t("find.from")}</span>
              <input name="from" type="date" defaultValue={text("from")} />
            </label>
            <button className="button" type="submit">
              {t("find.go")}
            </button>
          </form>
        </div>
      </section>
      <section className="wide section" aria-labelledby="found">
        <h2 id="found">{searched ? t("find.found") : t("find.soon")}</h2>
        {"away" in found ? (
          <Away words={words} />
        ) : "value" in found && found.value.items.length ? (
          <ul className="cards">
            {found.value.items.map((event) => (
              <EventCard key={event.id} event={event} />
            ))}
          </ul>
        ) : (
          <Notice kind="info" title={t("find.none")}>
            <p>
              {t("find.none.next")} {searched && <Link href="/">{t("find.all")}</Link>}
            </p>
          </Notice>
        )}
        {more && (
          <p className="more">
            <Link className="button button-quiet" href={{ pathname: "/", query: { ...nonEmpty(search, text("from")), cursor: more } }}>
              {t("find.more")}
            </Link>
          </p>
        )}
      </section>
    </>
  );
}

function between(from: string): Pick<Search, "from"> {
  return /^\d{4}-\d{2}-\d{2}$/.test(from) ? { from: `${from}T00:00:00Z` } : {};
}

function nonEmpty({ q, city }: Search, from: string): Record<string, string> {
  return Object.fromEntries(Object.entries({ q: q ?? "", city: city ?? "", from }).filter(([, value]) => value));
}
