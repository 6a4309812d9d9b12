"""What the gateway counts in its own words."""

from typing import Final

from prometheus_client import Counter

ORDERS: Final = Counter(
    "gateway_orders_total",
    "Orders that came in, by what became of them at the door: queued, repeated (same idempotency key) or refused.",
    ["outcome"],
)
RATE_LIMITED: Final = Counter("gateway_rate_limited_total", "Requests answered 429, by policy.", ["policy"])
CACHE_LOOKUPS: Final = Counter(
    "gateway_cache_lookups_total",
    "Look-ups in the gateway's short-lived caches, by cache and result.",
    ["cache", "result"],
)
SHED: Final = Counter("gateway_requests_shed_total", "Requests turned away because too many were at work.")
