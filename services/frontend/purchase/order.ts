/** Ordering, so that it happens once: the key is kept before the first try and sent with every one. */

import { call, Refused, Unreachable } from "@/api/client";
import type { Booking, PlaceBooking } from "@/api/types";

import { choiceOf, isSame, keepChoice, keptNames, load, NOTHING, parsed, store, type Choice } from "./choice";

/** An order of which we do not know yet whether it arrived. Until we do there is no other for its event: two may both be paid. */
export interface Pending {
  key: string;
  personId: string;
  eventId: string;
  atMs: number;
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
    /** As often as it has been sent by now. */
    readonly order: Pending,
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
const OWNER = "owner";
const MOST_PLACED = 30;
/** Shorter than the gateway remembers a key: what is older has been decided, and sent again it would be another order. */
const PENDING_MS = 20 * 3_600_000;
const TRIES = 4;
const PAUSE_MS = 1200;

/** The order of this person whose fate is open. */
export function pendingOrder(eventId: string, personId: string): Pending | null {
  try {
    const found = JSON.parse(load(PENDING + eventId) ?? "null") as Partial<Pending> | null;
    const isWhole = typeof found?.key === "string" && typeof found.paymentMethod === "string" && typeof found.sent === "number";
    const isTheirs = found?.eventId === eventId && found.personId === personId && Date.now() - (found.atMs ?? 0) < PENDING_MS;
    return isWhole && isTheirs ? { ...(found as Pending), choice: parsed(JSON.stringify(found.choice)) } : null;
  } catch {
    return null;
  }
}

/** Nobody sends what somebody else ordered, who was signed in on the same page before. */
export function forPerson(order: Pending | null, personId: string | undefined): Pending | null {
  return order?.personId === personId ? order : null;
}

export function newOrder(order: Pick<Pending, "personId" | "eventId" | "choice" | "paymentMethod">): Pending {
  const made = { ...order, key: crypto.randomUUID(), atMs: Date.now(), sent: 0 };
  keep(made);
  return made;
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
    const leaving = { ...order, sent };
    keep(leaving);
    try {
      const { booking } = await call("post", "/api/v1/bookings", { body, key: order.key });
      remember({ bookingId: booking.id, eventId: order.eventId, title, choice: order.choice, atMs: Date.now() });
      forget(order);
      // What was chosen since is another order's.
      if (isSame(choiceOf(order.eventId), order.choice)) keepChoice(order.eventId, NOTHING);
      return booking;
    } catch (error) {
      if (!(error instanceof Unreachable) || tried >= TRIES) {
        const isOpen = mayBeInLine(error, sent);
        if (!isOpen) forget(order);
        throw new NotPlaced(isOpen, leaving, error);
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

/** What was ordered last for an event. */
export function lastPlaced(eventId: string): Placed | null {
  return placedOrders().find((order) => order.eventId === eventId) ?? null;
}

function remember(placed: Placed): void {
  const others = placedOrders().filter((order) => order.bookingId !== placed.bookingId);
  store(PLACED, JSON.stringify([placed, ...others].slice(0, MOST_PLACED)));
}

/** Says whose this browser is now; true when it was somebody else's, whose orders are forgotten then. */
export function belongsTo(personId: string): boolean {
  const before = load(OWNER);
  store(OWNER, personId);
  if (before === null || before === personId) return false;
  forgetOrders();
  return true;
}

/** Nothing of one person is left for the next. */
export function forgetOrders(): void {
  store(PLACED, null);
  for (const name of keptNames()) if (name.startsWith(PENDING)) store(name, null);
}
