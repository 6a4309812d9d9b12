/** A booking as it is now: looked up, then heard of; looked up again whenever something may have been missed. */

import { useCallback, useEffect, useRef, useState } from "react";

import { call, Refused } from "@/api/client";
import type { Booking, Event, Payment } from "@/api/types";
import { useHeard, useIsLive, useSession } from "@/components/providers";
import type { Heard } from "@/live/socket";

import { isNews } from "./news";

/** What is decided, or lasts until somebody does something. */
const SETTLED = new Set<Booking["status"]>(["confirmed", "rejected", "cancelled"]);
const LOOK_AGAIN_MS = { live: 15_000, deaf: 2500 };
export interface Watched {
  booking: Booking | null;
  error: unknown;
  look: () => void;
  set: (booking: Booking) => void;
}

export function useBooking(id: string): Watched {
  const { person } = useSession();
  const [booking, setBooking] = useState<Booking | null>(null);
  const [error, setError] = useState<unknown>(null);
  const live = useIsLive();
  const latest = useRef<Booking | null>(null);
  const set = useCallback((news: Booking) => {
    if (!isNews(latest.current, news)) return;
    latest.current = news;
    setBooking(news);
    setError(null);
  }, []);
  const look = useCallback(async () => {
    try {
      set(await call("get", "/api/v1/bookings/{id}", { id }));
      setError(null);
    } catch (failed) {
      setError(failed);
    }
  }, [id, set]);
  const hear = useCallback(
    (message: Heard) => {
      const news = message.type === "booking" ? (message.data as Booking) : null;
      if (news?.id === id && news.places.length) set(news);
      // A word without places tells less than there is to know, of the money too. And whoever just came back, or saw
      // money move, may have missed one.
      else if (news?.id === id || message.type === "ready" || message.type === "payment") void look();
    },
    [id, look, set],
  );
  useHeard(hear);
  useEffect(() => {
    if (person) void look();
  }, [person, look]);
  const settled = booking !== null && SETTLED.has(booking.status);
  const hopeless = error instanceof Refused && error.problem.status === 404;
  useEffect(() => {
    if (settled || hopeless || !person) return;
    const timer = setInterval(() => void look(), live ? LOOK_AGAIN_MS.live : LOOK_AGAIN_MS.deaf);
    const back = () => void look();
    addEventListener("online", back);
    return () => {
      clearInterval(timer);
      removeEventListener("online", back);
    };
  }, [settled, hopeless, person, live, look]);
  return { booking, error, look: () => void look(), set };
}

export function useEvent(id: string | undefined): Event | null {
  const [event, setEvent] = useState<Event | null>(null);
  useEffect(() => {
    if (!id) return;
    let gone = false;
    call("get", "/api/v1/events/{id}", { id }).then(
      (found) => gone || setEvent(found),
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, [id]);
  return event;
}

/** The money of a booking; asked again while a refund is still on its way. */
export function usePayment(id: string | null | undefined, awaitRefund: boolean): Payment | null {
  const [payment, setPayment] = useState<Payment | null>(null);
  useEffect(() => {
    if (!id) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const look = async () => {
      try {
        const found = await call("get", "/api/v1/payments/{id}", { id });
        if (gone) return;
        setPayment(found);
        if (awaitRefund && (found.status === "succeeded" || found.status === "partially_refunded")) timer = setTimeout(() => void look(), 1500);
      } catch {
        if (!gone) timer = setTimeout(() => void look(), 4000);
      }
    };
    void look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [id, awaitRefund]);
  return payment;
}
