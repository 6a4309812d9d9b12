"""Venues and drafts to start from; a test names what matters to it."""

from datetime import UTC, datetime, timedelta

from services.event.domain.event import Draft, Event, drafted
from services.event.domain.layout import PriceTier, Row, Section, SectionKind
from services.event.domain.venue import Venue
from services.kit.ids import new_id
from services.kit.money import Money

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ORGANISER = "018f0000-0000-7000-8000-000000000001"
STALLS = Section(
    section_id="STALLS", name="Stalls", kind=SectionKind.SEATED, rows=(Row("A", 10), Row("B", 12)), tier_id="full"
)
FLOOR = Section(section_id="FLOOR", name="Floor", kind=SectionKind.STANDING, capacity=100, tier_id="full")
FULL = PriceTier("full", "Full price", Money(4500, "EUR"))


def venue(**changed: object) -> Venue:
    fields = {
        "name": "Zenith",
        "address": "Lilienthalallee 29",
        "city": "München",
        "country": "DE",
        "timezone": "Europe/Berlin",
    }
    return Venue(**(fields | changed))


def draft(**changed: object) -> Draft:
    fields = {
        "title": "Nachtmusik",
        "description": "Strings by candlelight.",
        "category": "concert",
        "sections": (STALLS, FLOOR),
        "tiers": (FULL,),
        "starts_at": NOW + timedelta(days=30),
        "ends_at": NOW + timedelta(days=30, hours=3),
    }
    place = {} if changed.keys() & {"venue", "venue_id"} else {"venue": venue()}
    return Draft(**(fields | place | changed))


def event(*, organiser_id: str = ORGANISER, **changed: object) -> Event:
    """A valid draft of that organiser, not stored."""
    checked = draft(**changed).checked()
    place = (checked.venue or venue()).belonging_to(organiser_id, new_id())
    return drafted(checked, place, event_id=new_id(), created_at=NOW, updated_at=NOW)
