"""Lost: an accepted order that nobody knows, an outcome that was not told or told otherwise, a ticket not mailed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.load.sale.evidence import AWAITING_PAYMENT, CONFIRMED, DECIDED, Evidence, Said, Story
from tests.load.sale.judging.finding import Finding

KIND = "lost"


def lost_outcomes(evidence: Evidence) -> Sequence[Finding]:
    """At most one finding a booking."""
    mailed = None if evidence.mails is None else {mail.booking_id for mail in evidence.mails}
    accepted = {story.booking_id: story for story in evidence.stories if story.booking_id}
    sentences = (
        (booking_id, next(_wrongs(story, evidence.bookings.get(booking_id), mailed), ""))
        for booking_id, story in accepted.items()
    )
    return [Finding(KIND, booking_id, sentence) for booking_id, sentence in sentences if sentence]


def _wrongs(story: Story, looked_up: Said | None, mailed: set[str] | None) -> Iterator[str]:
    """The worst first."""
    if looked_up is None:
        yield "accepted, and now unknown to the API"
        return
    if looked_up.status not in DECIDED:
        return  # It is stuck.
    if story.told is None and story.listened:
        yield f"the socket never told; the API says {looked_up.status!r}"
    if story.told is not None:
        yield from _contradictions(story.told, looked_up)
    if mailed is not None and looked_up.status == CONFIRMED and story.booking_id not in mailed:
        yield "confirmed, and no mail came"


def _contradictions(told: Said, looked_up: Said) -> Iterator[str]:
    if told.status != looked_up.status:
        yield f"the buyer was told {told.status!r}, the API says {looked_up.status!r}"
    elif told.reason != looked_up.reason:
        yield f"the buyer was told {told.reason!r}, the API says {looked_up.reason!r}"
    elif told.status == AWAITING_PAYMENT and not told.says_what_to_do:
        yield "the buyer was told to pay, and not how"
    elif told.tickets and _sorted(told) != _sorted(looked_up):
        yield "the buyer was told other places than the API says"


def _sorted(said: Said) -> Sequence[tuple[str, str]]:
    return sorted((place.section_id, place.seat_id) for place in said.tickets)
