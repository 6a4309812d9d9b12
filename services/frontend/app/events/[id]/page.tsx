import type { Metadata } from "next";
import { notFound } from "next/navigation";

import { Away } from "@/components/Away";
import { Notice } from "@/components/Notice";
import { Poster } from "@/components/Poster";
import { Purchase } from "@/purchase/Purchase";
import { eventOf } from "@/server/events";
import { seatsOf } from "@/server/seats";
import { readerWords } from "@/server/words";

interface Props {
  params: Promise<{ id: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const found = await eventOf((await params).id);
  return "value" in found ? { title: found.value.title } : {};
}

export default async function EventPage({ params }: Props) {
  const { id } = await params;
  const [words, found, seats] = await Promise.all([readerWords(), eventOf(id), seatsOf(id)]);
  const { t, day, moment } = words;
  if ("missing" in found) notFound();
  if ("away" in found) {
    return (
      <div className="wide section">
        <Away words={words} />
      </div>
    );
  }
  const event = found.value;
  const { venue } = event;
  return (
    <>
      <div className="event-head">
        <Poster seed={event.id} title={event.title} />
        <div className="wide event-title">
          {event.category && <p className="kicker">{event.category}</p>}
          <h1>{event.title}</h1>
          <p>
            {event.starts_at && <time dateTime={event.starts_at}>{moment(event.starts_at, venue.timezone)}</time>}
            <span className="dot"> · </span>
            {venue.name}
            {venue.address && `, ${venue.address}`}, {venue.city}
          </p>
        </div>
      </div>
      <div className="wide">
        {event.status === "cancelled" && (
          <Notice kind="error" title={t("event.cancelled.title")}>
            <p>{t("event.cancelled.money")}</p>
          </Notice>
        )}
        {event.status === "draft" && <Notice kind="info" title={t("event.draft")} />}
        {event.status === "published" && (
          <Purchase event={event} first={seats instanceof Response ? null : seats} />
        )}
        <section className="section prose" aria-labelledby="about">
          <h2 id="about">{t("event.about")}</h2>
          {event.starts_at && <p>{day(event.starts_at, venue.timezone)}</p>}
          <p className="pre">{event.description}</p>
        </section>
      </div>
    </>
  );
}
