"""What happens to places, counted."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SEATS_HELD: Final = Counter("seats_held_total", "Places held for a buyer.")
SEATS_SOLD: Final = Counter("seats_sold_total", "Places sold; tickets were issued for them.")
SEATS_RELEASED: Final = Counter("seats_released_total", "Places given back by key.")
SEATS_REFUSED: Final = Counter("seats_refused_total", "Orders for places refused, by reason.", ["reason"])
SALES_REFUSED: Final = Counter("seat_sales_refused_total", "Holds that could not be sold, by reason.", ["reason"])
HOLDS_EXPIRED: Final = Counter("holds_expired_total", "Holds whose time was over and whose places were freed.")
SEATS: Final = Gauge("seats", "Places of all events on sale, by state: free, held or sold, as last counted.", ["state"])
BATCH_SIZE: Final = Histogram(
    "seat_batch_size",
    "Requests worked in one transaction.",
    ["operation"],
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500),
)
