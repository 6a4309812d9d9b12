// Tickets open without a network: what was seen of them last is kept. Everything else always comes from the server.
const TICKETS = "tickets";
const FILES = "files";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/_next/static/")) event.respondWith(keptFirst(request));
  else if (isTicket(request, url)) event.respondWith(networkFirst(request));
});

// The page of a booking, and what it asks for: the booking, its event.
function isTicket(request, { pathname }) {
  if (request.mode === "navigate") return /^\/bookings(\/|$)/.test(pathname);
  return /^\/api\/v1\/(bookings|events)(\/[^/]+)?$/.test(pathname);
}

// Files under /_next/static have a name of their own for every content: what is kept never changes.
async function keptFirst(request) {
  const kept = await caches.match(request, { cacheName: FILES });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) (await caches.open(FILES)).put(request, answer.clone());
  return answer;
}

async function networkFirst(request) {
  const cache = await caches.open(TICKETS);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request.url, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(request.url, { ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}
