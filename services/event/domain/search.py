"""What a search looks for, and which words an event is found by."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.event.domain.event import Event
from services.event.domain.rules import check_line, check_person
from services.event.domain.venue import MAX_CITY

MAX_TEXT: Final = 200
# Together well below the megabyte that PostgreSQL allows for the words of one row.
MAX_WORDS: Final = 5_000
MAX_WORD: Final = 40
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a visitor, or with `organiser_id` the organiser, asks for; an empty field asks nothing."""

    text: str = ""
    city: str = ""
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    # Only this organiser's, in every state. Empty: what is on sale and not over.
    organiser_id: str = ""

    def checked(self) -> Search:
        """This search, if every field obeys its rule."""
        check_line("text", self.text, at_most=MAX_TEXT)
        check_line("city", self.city, at_most=MAX_CITY)
        if self.organiser_id:
            check_person("organiser_id", self.organiser_id)
        return self

    @property
    def words(self) -> tuple[str, ...]:
        """All must be found; of the last, which may still be being typed, the beginning is enough."""
        return words_of(self.text)

    @property
    def finds_nothing(self) -> bool:
        """Something is asked for that has no word in it, such as `!!!`."""
        return bool(self.text.strip()) and not self.words


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where an event stands in a list."""

    starts_at: datetime
    event_id: str


def search_words(event: Event) -> tuple[str, ...]:
    """The words an event is found by, each once."""
    texts = (event.title, event.venue.name, event.venue.city, event.description)
    words = dict.fromkeys(word for text in texts for word in words_of(text))
    return tuple(words)[:MAX_WORDS]


def words_of(text: str) -> tuple[str, ...]:
    return tuple(word[:MAX_WORD] for word in _WORD.findall(folded(text)))


def folded(text: str) -> str:
    """Without case and accents, so that `Munchen` finds München. Here and not in the database, whose `lower` and
    `unaccent` depend on how the cluster was made and on an extension that a service's role may not install."""
    letters = (one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return "".join(letters).casefold().strip()
