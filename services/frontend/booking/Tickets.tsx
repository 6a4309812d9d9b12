"use client";

/** Tickets as one shows them at the door: printable, and there without a network. */

import { useEffect, useMemo, useState } from "react";
import { encode } from "uqr";

import type { Booking, Event, Ticket } from "@/api/types";
import { useWords } from "@/components/providers";

import { keepForOffline } from "./keep";

export function Tickets({ booking, event }: { booking: Booking; event: Event | null }) {
  const { t } = useWords();
  const [isKept, setIsKept] = useState(false);
  useEffect(() => {
    // Whoever's browser keeps nothing for us still has the mail.
    keepForOffline(booking).then(setIsKept, () => undefined);
  }, [booking]);
  return (
    <>
      <ul className="tickets">
        {booking.tickets.map((ticket) => (
          <TicketCard key={ticket.id} ticket={ticket} event={event} />
        ))}
      </ul>
      <p className="no-print ticket-tools">
        <button type="button" className="button button-quiet" onClick={() => print()}>
          {t("ticket.print")}
        </button>
        <span className="quiet" role="status">
          {isKept && t("ticket.offline")}
        </span>
      </p>
    </>
  );
}

function TicketCard({ ticket, event }: { ticket: Ticket; event: Event | null }) {
  const { t, money, moment } = useWords();
  return (
    <li className="ticket">
      <div className="ticket-text">
        <p className="ticket-event">{event?.title}</p>
        {event?.starts_at && <p>{moment(event.starts_at, event.venue.timezone)}</p>}
        {event && (
          <p className="quiet">
            {event.venue.name}, {event.venue.city}
          </p>
        )}
        <p className="ticket-place">{ticket.place.label}</p>
        <p>{money(ticket.place.price)}</p>
        <p className="quiet small ticket-id">{ticket.id}</p>
      </div>
      <QrCode text={ticket.qr_payload} label={t("ticket.qr", { place: ticket.place.label })} />
    </li>
  );
}

function QrCode({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => {
    const { data, size: side } = encode(text, { ecc: "L", border: 4 });
    let drawn = "";
    data.forEach((row, y) => row.forEach((dark, x) => (drawn += dark ? `M${x} ${y}h1v1h-1z` : "")));
    return { size: side, path: drawn };
  }, [text]);
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges" data-qr={text}>
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
