/** Ordering, so that it happens once: the key is kept before the first try and sent with every one. */

import { call, Refused, Unreachable } from "@/api/client";
import type { Booking, PlaceBooking } from "@/api/types";

import { keepChoice, load, NOTHING, parsed, store, type Choice } from "./choice";

/** An order of which we do not know yet whether it arrived. */
export interface Pending {
  key: string;
  eventId: string;
  choice: Choice;
  paymentMethod: string;
  /** How often it has been sent, or begun to be. */
  sent: number;
}

/** An order that was not answered with a number. */
export class NotPlaced extends Error {
  constructor(
    /** It stays pending, and is sent again with its key; otherwise it is forgotten, and nothing was charged. */
    readonly mayBeInLine: boolean,
    cause: unknown,
  ) {
    super("not placed", { cause });
    this.name = "NotPlaced";
  }
}

/** An order that has a number, remembered so that it can be shown, and made again after a "no". */
export interface Placed {
  bookingId: string;
  eventId: string;
  title: string;
  choice: Choice;
  atMs: number;
}

/** Said before anybody looks whether the same order is in line already. */
const AT_THE_DOOR = new Set([
  "queue-full",
  "overloaded",
  "too-many-requests",
  "missing-token",
  "invalid-token",
  "token-expired",
  "forbidden",
]);
const PENDING = "order:";
const PLACED = "orders";
const MOST_PLACED = 30;
const TRIES = 4;
const PAUSE_MS = 1200;

export function pendingOrder(eventId: string): Pending | null {
  try {
    const found = JSON.parse(load(PENDING + eventId) ?? "null") as Partial<Pending> | null;
    const isOurs = found?.eventId === eventId && typeof found.key === "string" && typeof found.paymentMethod === "string";
    return isOurs ? { ...(found as Pending), choice: parsed(JSON.stringify(found.choice)), sent: found.sent ?? 1 } : null;
  } catch {
    return null;
  }
}

export function newOrder(eventId: string, choice: Choice, paymentMethod: string): Pending {
  const order = { key: crypto.randomUUID(), eventId, choice, paymentMethod, sent: 0 };
  keep(order);
  return order;
}

function keep(order: Pending): void {
  store(PENDING + order.eventId, JSON.stringify(order));
}

function forget(order: Pending): void {
  store(PENDING + order.eventId, null);
}

/** Whether an answer to an order that was sent so often leaves open that it is in line. */
export function mayBeInLine(error: unknown, sent: number): boolean {
  if (!(error instanceof Refused)) return true;
  return AT_THE_DOOR.has(error.reason) ? sent > 1 : error.problem.status >= 500;
}

/** Puts it in line, in several tries where nothing answers. Raises NotPlaced. */
export async function place(order: Pending, title: string): Promise<Booking> {
  const body = {
    event_id: order.eventId,
    seats: order.choice.seats,
    areas: order.choice.areas,
    payment_method: order.paymentMethod,
  } satisfies PlaceBooking;
  for (let [tried, sent] = [1, order.sent + 1]; ; tried++, sent++) {
    // Before it leaves: the page may not live to hear the answer.
    keep({ ...order, sent });
    try {
      const { booking } = await call("post", "/api/v1/bookings", { body, key: order.key });
      remember({ bookingId: booking.id, eventId: order.eventId, title, choice: order.choice, atMs: Date.now() });
      forget(order);
      keepChoice(order.eventId, NOTHING);
      return booking;
    } catch (error) {
      if (!(error instanceof Unreachable) || tried >= TRIES) {
        const isOpen = mayBeInLine(error, sent);
        if (!isOpen) forget(order);
        throw new NotPlaced(isOpen, error);
      }
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
