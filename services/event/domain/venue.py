"""A place where events happen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from services.event.domain.layout import Section, checked_sections
from services.event.domain.rules import check_country, check_line, check_text, check_zone

MAX_NAME: Final = 200
MAX_ADDRESS: Final = 500
MAX_CITY: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """As an organiser writes it, both ids are empty."""

    venue_id: str = ""
    organiser_id: str = ""
    name: str
    address: str
    city: str
    country: str
    timezone: str
    sections: tuple[Section, ...] = ()

    def checked(self) -> Venue:
        """This venue with true capacities, if every field obeys its rule."""
        check_line("venue.name", self.name, at_least=1, at_most=MAX_NAME)
        check_text("venue.address", self.address, at_most=MAX_ADDRESS)
        check_line("venue.city", self.city, at_least=1, at_most=MAX_CITY)
        check_country("venue.country", self.country)
        check_zone("venue.timezone", self.timezone)
        return replace(self, sections=checked_sections(self.sections, "venue.sections"))

    def belonging_to(self, organiser_id: str, venue_id: str) -> Venue:
        return replace(self, organiser_id=organiser_id, venue_id=venue_id)

    def without_layout(self) -> Venue:
        return replace(self, sections=())
