import Link from "next/link";

import type { EventSummary } from "@/api/types";
import { readerWords } from "@/server/words";

import { Poster } from "./Poster";

export async function EventCard({ event }: { event: EventSummary }) {
  const { t, moment } = await readerWords();
  const opensLater = event.sale_starts_at && Date.parse(event.sale_starts_at) > Date.now();
  return (
    <li className="card">
      <Link href={`/events/${event.id}`} className="card-link">
        <Poster seed={event.id} title={event.title} />
        <div className="card-text">
          {event.starts_at && <p className="card-when">{moment(event.starts_at, event.venue.timezone)}</p>}
          <h3>{event.title}</h3>
          <p className="quiet">
            {event.venue.name}, {event.venue.city}
          </p>
          {event.status === "cancelled" && <p className="tag tag-bad">{t("event.cancelled")}</p>}
          {opensLater && event.sale_starts_at && (
            <p className="tag">{t("event.opens", { when: moment(event.sale_starts_at, event.venue.timezone) })}</p>
          )}
        </div>
      </Link>
    </li>
  );
}
