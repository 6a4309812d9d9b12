/** Ordering, so that it happens once: the key is kept before the first try and sent with every one. */

import { call, Unreachable } from "@/api/client";
import type { Booking, PlaceBooking } from "@/api/types";

import { keepChoice, load, NOTHING, parsed, store, type Choice } from "./choice";

/** An order of which we do not know yet whether it arrived. */
export interface Pending {
  key: string;
  eventId: string;
  choice: Choice;
  paymentMethod: string;
}

/** An order that has a number, remembered so that it can be shown, and made again after a "no". */
export interface Placed {
  bookingId: string;
  eventId: string;
  title: string;
  choice: Choice;
  atMs: number;
}

const PENDING = "order:";
const PLACED = "orders";
const MOST_PLACED = 30;
const TRIES = 4;
const PAUSE_MS = 1200;

export function pendingOrder(eventId: string): Pending | null {
  try {
    const found = JSON.parse(load(PENDING + eventId) ?? "null") as Partial<Pending> | null;
    const isOurs = found?.eventId === eventId && typeof found.key === "string" && typeof found.paymentMethod === "string";
    return isOurs ? { ...(found as Pending), choice: parsed(JSON.stringify(found.choice)) } : null;
  } catch {
    return null;
  }
}

export function newOrder(eventId: string, choice: Choice, paymentMethod: string): Pending {
  const order = { key: crypto.randomUUID(), eventId, choice, paymentMethod };
  store(PENDING + eventId, JSON.stringify(order));
  return order;
}

export function forgetOrder(eventId: string): void {
  store(PENDING + eventId, null);
}

/** Puts it in line. Raises Refused (it is not in line), or Unreachable after some tries: it stays pending. */
export async function place(order: Pending, title: string): Promise<Booking> {
  const body = {
    event_id: order.eventId,
    seats: order.choice.seats,
    areas: order.choice.areas,
    payment_method: order.paymentMethod,
  } satisfies PlaceBooking;
  for (let tried = 1; ; tried++) {
    try {
      const { booking } = await call("post", "/api/v1/bookings", { body, key: order.key });
      remember({ bookingId: booking.id, eventId: order.eventId, title, choice: order.choice, atMs: Date.now() });
      forgetOrder(order.eventId);
      keepChoice(order.eventId, NOTHING);
      return booking;
    } catch (error) {
      if (!(error instanceof Unreachable) || tried >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tried));
    }
  }
}

export function placedOrders(): Placed[] {
  try {
    const found = JSON.parse(load(PLACED) ?? "[]") as unknown;
    return Array.isArray(found) ? (found as (Placed | null)[]).filter((one): one is Placed => typeof one?.bookingId === "string") : [];
  } catch {
    return [];
  }
}

export function placedOrder(bookingId: string): Placed | null {
  return placedOrders().find((order) => order.bookingId === bookingId) ?? null;
}

function remember(placed: Placed): void {
  const others = placedOrders().filter((order) => order.bookingId !== placed.bookingId);
  store(PLACED, JSON.stringify([placed, ...others].slice(0, MOST_PLACED)));
}

/** Nothing of one person is left for the next. */
export function forgetOrders(): void {
  store(PLACED, null);
}
