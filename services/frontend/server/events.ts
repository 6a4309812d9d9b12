/** What is on, for pages that are made on the server. */

import { headers } from "next/headers";
import { cache } from "react";

import type { Event, Events } from "@/api/types";

import { callGateway } from "./gateway";
import { forwarded } from "./guard";
import { accessToken } from "./session";

export type Found<T> = { value: T } | { missing: true } | { away: true };

export interface Search {
  q?: string;
  city?: string;
  from?: string;
  before?: string;
  cursor?: string;
}

export async function searchEvents(search: Search): Promise<Found<Events>> {
  const query = new URLSearchParams({ limit: "24" });
  for (const [name, value] of Object.entries(search)) if (value) query.set(name, value);
  return found<Events>(await callGateway(`/api/v1/events?${query}`, { headers: forwarded(await headers()) }));
}

/** Once a request, however many parts of the page ask. Organisers see their own drafts. */
export const eventOf = cache(async (id: string): Promise<Found<Event>> => {
  const path = `/api/v1/events/${encodeURIComponent(id)}`;
  const [from, access] = [forwarded(await headers()), await accessToken()];
  const known: Record<string, string> = access ? { Authorization: `Bearer ${access}` } : {};
  const answer = await callGateway(path, { headers: { ...from, ...known } });
  // A token that has just expired must not hide a public page.
  return found<Event>(answer.status === 401 ? await callGateway(path, { headers: from }) : answer);
});

async function found<T>(answer: Response): Promise<Found<T>> {
  if (answer.ok) return { value: (await answer.json()) as T };
  return answer.status >= 500 || answer.status === 429 ? { away: true } : { missing: true };
}
