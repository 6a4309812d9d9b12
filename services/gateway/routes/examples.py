"""Bodies to paste: the examples of the OpenAPI and of /docs."""

from typing import Final

VENUE: Final = {
    "name": "Arena",
    "address": "Main Street 1",
    "city": "Berlin",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "sections": [
        {"id": "A", "name": "Section A", "kind": "seated", "rows": [{"label": "1", "seats": 20}], "tier_id": "best"},
        {"id": "FLOOR", "name": "Floor", "kind": "standing", "capacity": 500, "tier_id": "floor"},
    ],
}
EVENT: Final = {
    "title": "The Big Night",
    "description": "One night only.",
    "category": "concert",
    "venue": VENUE,
    "tiers": [
        {"id": "best", "name": "Best seats", "price": {"amount": 9900, "currency": "EUR"}},
        {"id": "floor", "name": "Standing", "price": {"amount": 4500, "currency": "EUR"}},
    ],
    "starts_at": "2030-06-01T18:00:00Z",
    "ends_at": "2030-06-01T22:00:00Z",
    "sale_starts_at": None,
    "max_per_booking": 10,
}
_EVENT_ID: Final = "01990000-0000-7000-8000-000000000001"
_BOOKING_ID: Final = "01990000-0000-7000-8000-000000000002"
ORDER: Final = {
    "event_id": _EVENT_ID,
    "seats": ["A-1-12", "A-1-13"],
    "areas": [{"section_id": "FLOOR", "quantity": 1}],
    "payment_method": "pm_card_visa",
}
PLACED: Final = {
    "booking": {
        "id": _BOOKING_ID,
        "event_id": _EVENT_ID,
        "status": "queued",
        "reason": None,
        "places": [],
        "total": None,
        "payment_id": None,
        "next_action": None,
        "expires_at": None,
        "tickets": [],
        "queue": {"number": 812, "now_serving": 640, "ahead": 171},
        "created_at": "2030-01-01T10:00:00Z",
        "updated_at": "2030-01-01T10:00:00Z",
    },
    "links": {"self": f"/api/v1/bookings/{_BOOKING_ID}", "event": f"/api/v1/events/{_EVENT_ID}"},
}
