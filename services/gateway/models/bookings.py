"""Bookings on the wire."""

from typing import Annotated, Literal

from msgspec import Meta, field

from services.gateway.models.common import Money, Request, Response, Time, text

MAX_PLACES = 50

type Status = Literal["queued", "pending", "awaiting_payment", "confirmed", "rejected", "cancelling", "cancelled"]


class Area(Request, frozen=True):
    """Places without naming seats: standing room, or the best seats left side by side."""

    section_id: Annotated[str, text(1, 64, "A section of the event.")]
    quantity: Annotated[int, Meta(ge=1, le=MAX_PLACES)]


class PlaceBooking(Request, frozen=True, kw_only=True):
    """1 to 50 places of one event: named seats, areas, or both."""

    event_id: Annotated[str, text(1, 64, "The event.")]
    seats: Annotated[
        list[Annotated[str, text(1, 64, "A seat's id.")]],
        Meta(max_length=MAX_PLACES, description="Ids of seats, none twice.", examples=[["A-3-12", "A-3-13"]]),
    ] = field(default_factory=list)
    areas: Annotated[list[Area], Meta(max_length=MAX_PLACES, description="Places by number, no section twice.")] = (
        field(default_factory=list)
    )
    payment_method: Annotated[
        str,
        Meta(
            max_length=255,
            pattern="^(pm_[A-Za-z0-9_]{1,252})?$",
            description="The payment provider's token of a card. Without it the seats are held and you pay later.",
            examples=["pm_card_visa"],
        ),
    ] = ""


class PayBooking(Request, frozen=True, kw_only=True):
    """Another card for a booking that waits for its payment."""

    payment_method: Annotated[
        str,
        Meta(
            max_length=255,
            pattern="^pm_[A-Za-z0-9_]{1,252}$",
            description="The payment provider's token of a card.",
            examples=["pm_card_visa"],
        ),
    ]


class Place(Response, frozen=True):
    seat_id: Annotated[str | None, Meta(description="Null for standing room.")]
    section_id: str
    label: Annotated[str, Meta(examples=["Section A, row 3, seat 12"])]
    price: Money


class Ticket(Response, frozen=True):
    id: str
    place: Place
    qr_payload: Annotated[str, Meta(description="What the QR code shows: a signed compact JWS.")]


class NextAction(Response, frozen=True):
    """What the buyer has to do before the money can move."""

    type: Annotated[
        str,
        Meta(
            description="`redirect` (go to `url`), `payment_method` (pay with `client_secret`), or `pay_again`: the "
            "last card was not charged, `reason` says why; POST another one to …/payment."
        ),
    ]
    url: str
    client_secret: str


class QueuePosition(Response, frozen=True):
    """A place in line. Everybody in it knows his own number; `now_serving` is the same for all."""

    number: int
    now_serving: Annotated[int, Meta(description="Every number up to this one has been served.")]
    ahead: Annotated[int, Meta(description="How many are before you.")]


class Booking(Response, frozen=True, kw_only=True):
    id: str
    event_id: str
    status: Status
    reason: Annotated[
        str | None,
        Meta(description="Why it was rejected, cancelled or delayed, or the last card not charged: a stable slug."),
    ] = None
    places: list[Place] = field(default_factory=list)
    total: Money | None = None
    payment_id: str | None = None
    next_action: NextAction | None = None
    expires_at: Annotated[Time | None, Meta(description="Until when the seats are held for a payment.")] = None
    tickets: list[Ticket] = field(default_factory=list)
    queue: Annotated[QueuePosition | None, Meta(description="While it is queued.")] = None
    created_at: Time | None = None
    updated_at: Time | None = None


class Links(Response, frozen=True):
    self: str
    event: str


class Placed(Response, frozen=True):
    booking: Booking
    links: Links


class Bookings(Response, frozen=True):
    items: list[Booking]
    next_cursor: str | None


class TimelineEntry(Response, frozen=True, kw_only=True):
    """Something that happened to a booking. Fields that do not belong to it are null."""

    at: Annotated[Time | None, Meta(description="Null where nobody wrote down when.")]
    code: Annotated[str, Meta(description="What happened: a stable slug.", examples=["held"])]
    sentence: Annotated[str, Meta(description="The same for a person; it may change.")]
    reason: Annotated[str | None, Meta(description="Why: a stable slug.", examples=["card-declined"])] = None
    about: Annotated[str | None, Meta(description="Which mail it was.", examples=["tickets"])] = None
    number: Annotated[int | None, Meta(description="The place in line.")] = None
    ahead: Annotated[int | None, Meta(description="How many are before you.")] = None
    attempt: Annotated[int | None, Meta(description="Which payment of the booking: 1 for the first.")] = None
    amount: Money | None = None
    until: Annotated[Time | None, Meta(description="Until when something waits.")] = None


class Timeline(Response, frozen=True, kw_only=True):
    """Why you got a ticket, or did not. It names nobody and no card."""

    booking_id: str
    status: Status
    trace_id: Annotated[str | None, Meta(description="Of the request that made it: 32 hex digits.")]
    entries: Annotated[list[TimelineEntry], Meta(description="What happened, oldest first.")]
