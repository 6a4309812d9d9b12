/** The API's words, from its own document (schema.d.ts is made from openapi.json and not kept). */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Account = Schemas["Account"];
export type Address = Schemas["Address"];
export type AddressDraft = Schemas["AddressDraft"];
export type Attendee = Schemas["Attendee"];
export type Attendees = Schemas["Attendees"];
export type Booking = Schemas["Booking"];
export type BookingStatus = Booking["status"];
export type Event = Schemas["Event"];
export type EventDraft = Schemas["EventDraft"];
export type EventSummary = Schemas["EventSummary"];
export type Events = Schemas["Events"];
export type Me = Schemas["Me"];
export type Money = Schemas["Money"];
export type Payment = Schemas["Payment"];
export type Place = Schemas["Place"];
export type PlaceBooking = Schemas["PlaceBooking"];
export type Placed = Schemas["Placed"];
export type Problem = Schemas["Problem"];
export type Seats = Schemas["Seats"];
export type Section = Schemas["Section"];
export type Ticket = Schemas["Ticket"];
export type Tier = Schemas["Tier"];
export type Timeline = Schemas["Timeline"];
export type Tokens = Schemas["Tokens"];
