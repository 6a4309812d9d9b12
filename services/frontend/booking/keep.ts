/** Keeps the page of a ticket, and all it needs, where the worker in the browser (public/sw.js) finds it. */

import type { Booking } from "@/api/types";

const FILE = /\/_next\/static\/[^"'\\\s)]+\.(?:js|css)/g;

/** Whether it is kept now. */
export async function keepForOffline(booking: Booking): Promise<boolean> {
  if (!("caches" in window)) return false;
  const page = `/bookings/${booking.id}`;
  // Without a network it came from there.
  if (!navigator.onLine) return (await caches.match(page, { ignoreVary: true })) !== undefined;
  const html = await fetch(page, { headers: { Accept: "text/html" } });
  if (!html.ok) return false;
  const loaded = performance.getEntriesByType("resource").map((entry) => new URL(entry.name).pathname);
  const named = [...loaded.join("\n").matchAll(FILE), ...(await html.clone().text()).matchAll(FILE)];
  const [files, tickets] = await Promise.all([caches.open("files"), caches.open("tickets")]);
  await Promise.all([...new Set(named.map(([path]) => path))].map((path) => keep(files, path)));
  await tickets.add(`/api/v1/bookings/${booking.id}`);
  await tickets.add(`/api/v1/events/${booking.event_id}`);
  // Last: a page that opens has its ticket, and not what the booking was when it stood in line.
  await tickets.put(page, html);
  return true;
}

async function keep(cache: Cache, path: string): Promise<void> {
  if (!(await cache.match(path))) await cache.add(path);
}
