// Tickets open without a network: what was seen of them last is kept. Everything else always comes from the server, and
// where it does not, a page says that nothing is lost.
const TICKETS = "tickets";
const FILES = "files";
const AWAY = "away";
const AWAY_FILES = ["/offline", "/offline.css", "/offline.js"];
// A crowd at the doors has a network that hardly answers.
const PATIENCE_MS = 4000;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(AWAY).then((cache) => cache.addAll(AWAY_FILES)));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/_next/static/")) event.respondWith(keptFirst(request));
  else if (isTicket(request, url)) event.respondWith(ticket(request));
  else if (request.mode === "navigate") event.respondWith(fetch(request).catch(away));
  else if (AWAY_FILES.includes(url.pathname)) event.respondWith(fetch(request).catch(() => caches.match(url.pathname)));
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

// From the network; what was kept, when that fails, is broken or takes long.
async function ticket(request) {
  const cache = await caches.open(TICKETS);
  const kept = await cache.match(request.url, { ignoreVary: true });
  const asked = fetch(request).then(async (answer) => {
    if (answer.ok) await cache.put(request.url, answer.clone());
    return answer;
  });
  if (!kept) return request.mode === "navigate" ? asked.catch(away) : asked;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, kept));
  return Promise.race([late, asked.then((answer) => (answer.status >= 500 ? kept : answer), () => kept)]);
}

async function away(error) {
  const page = await caches.match("/offline");
  if (page) return page;
  throw error;
}
