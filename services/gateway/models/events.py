"""Venues, events and their prices on the wire."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from services.gateway.models.common import Money, PageQuery, Request, Response, Time, text
from services.gateway.models.users import Country

type Slug = Annotated[str, Meta(pattern="^[A-Za-z0-9_]{1,20}$")]
type Kind = Literal["seated", "standing"]


class Row(Request, frozen=True):
    label: Annotated[str, Meta(pattern="^[A-Za-z0-9]{1,5}$")]
    seats: Annotated[int, Meta(ge=1, le=1000, description="They are numbered 1 to this.")]


class SectionDraft(Request, frozen=True, kw_only=True):
    """A part of the house: `rows` when seated, `capacity` when standing. A seat's id is `<section>-<row>-<number>`."""

    id: Slug
    name: Annotated[str, text(1, 100, "What a buyer reads.")]
    kind: Kind
    rows: Annotated[list[Row], Meta(max_length=500)] = field(default_factory=list)
    capacity: Annotated[int, Meta(ge=0, le=1_000_000, description="Standing only; a seated section is counted.")] = 0
    tier_id: Annotated[str, Meta(pattern="^[A-Za-z0-9_]{0,20}$", description="Its price, in an event.")] = ""


class TierDraft(Request, frozen=True):
    id: Slug
    name: Annotated[str, text(1, 100, "What a buyer reads.")]
    price: Money


type Sections = Annotated[list[SectionDraft], Meta(max_length=200)]


class VenueDraft(Request, frozen=True, kw_only=True):
    name: Annotated[str, text(1, 200, "Name of the house.")]
    address: Annotated[str, text(0, 300, "Street and number.")] = ""
    city: Annotated[str, text(1, 100, "City or town.")]
    country: Country
    timezone: Annotated[str, text(1, 64, "IANA name, such as `Europe/Berlin`.")]
    sections: Sections = field(default_factory=list)


class EventDraft(Request, frozen=True, kw_only=True):
    """What an organiser writes. Either `venue_id` or `venue`, which is stored as a venue of yours."""

    title: Annotated[str, text(1, 200, "What is on.")]
    description: Annotated[str, text(0, 5000, "What a buyer should know.")] = ""
    category: Annotated[str, text(0, 50, "A word of your own, such as `concert`.")] = ""
    venue_id: Annotated[str, text(0, 64, "A venue of yours.")] = ""
    venue: VenueDraft | None = None
    sections: Annotated[Sections, Meta(description="The event's own layout; empty means the venue's.")] = field(
        default_factory=list
    )
    tiers: Annotated[list[TierDraft], Meta(max_length=50)] = field(default_factory=list)
    starts_at: Time
    ends_at: Time
    sale_starts_at: Annotated[Time | None, Meta(description="When buying begins; null means at once.")] = None
    max_per_booking: Annotated[int, Meta(ge=1, le=50, description="The most places one booking may hold.")] = 10


class CancelEvent(Request, frozen=True):
    reason: Annotated[str, text(0, 500, "Told to the buyers.")] = ""


class EventQuery(PageQuery, frozen=True, kw_only=True, rename={"from_": "from"}):
    q: Annotated[str, text(0, 200, "Words to find in title, description, venue and city.")] = ""
    city: Annotated[str, text(0, 100, "The city, in any case.")] = ""
    # Not `| None`: in a query the word `null` would then be a time.
    from_: Annotated[Time, Meta(description="Starting at or after.")] | UnsetType = UNSET
    before: Annotated[Time, Meta(description="Starting before.")] | UnsetType = UNSET
    mine: Annotated[bool, Meta(description="Only your own, drafts and cancelled ones too (organisers).")] = False


class Section(Response, frozen=True):
    id: str
    name: str
    kind: Kind
    rows: list[Row]
    capacity: int
    tier_id: str


class Tier(Response, frozen=True):
    id: str
    name: str
    price: Money


class VenueSummary(Response, frozen=True, kw_only=True):
    id: str
    name: str
    address: str
    city: str
    country: str
    timezone: str


class Venue(VenueSummary, frozen=True, kw_only=True):
    sections: list[Section]


class Venues(Response, frozen=True):
    items: list[Venue]
    next_cursor: str | None


class EventSummary(Response, frozen=True, kw_only=True):
    id: str
    organiser_id: str
    title: str
    description: str
    category: str
    status: Literal["draft", "published", "cancelled"]
    venue: VenueSummary
    starts_at: Time | None
    ends_at: Time | None
    sale_starts_at: Annotated[Time | None, Meta(description="When buying begins; null means at once.")]
    max_per_booking: int
    capacity: int
    created_at: Time | None
    updated_at: Time | None


class Event(EventSummary, frozen=True, kw_only=True):
    sections: list[Section]
    tiers: list[Tier]


class Events(Response, frozen=True):
    items: list[EventSummary]
    next_cursor: str | None


class SectionPrice(Response, frozen=True):
    section_id: str
    tier_id: str


class Pricing(Response, frozen=True):
    event_id: str
    tiers: list[Tier]
    sections: list[SectionPrice]
