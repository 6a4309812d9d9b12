"""Stuck: an order that nothing decides any more, and places that are held for nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.load.sale.evidence import AWAITING_PAYMENT, DECIDED, Evidence
from tests.load.sale.judging.finding import Finding

KIND = "stuck"


def stuck_places_and_orders(evidence: Evidence) -> Sequence[Finding]:
    return [*_undecided(evidence), *_held_by_nobody(evidence)]


def _undecided(evidence: Evidence) -> Iterator[Finding]:
    for booking_id, said in evidence.bookings.items():
        if said.status not in DECIDED:
            yield Finding(KIND, booking_id, f"never decided: the API says {said.status!r}")


def _held_by_nobody(evidence: Evidence) -> Iterator[Finding]:
    """More places are held than there are in bookings that wait for their buyer."""
    if any(said.status not in DECIDED for said in evidence.bookings.values()):
        return  # Nobody outside knows yet what those hold.
    explained = _awaiting_payment(evidence)
    for (event_id, section_id), section in evidence.after.items():
        before = evidence.before.get((event_id, section_id))
        held = section.held - (before.held if before else 0)
        if held > explained[event_id, section_id]:
            waiting = explained[event_id, section_id]
            yield Finding(KIND, section_id, f"{held} places are held, and {waiting} wait for a payment")


def _awaiting_payment(evidence: Evidence) -> Mapping[tuple[str, str], int]:
    """Places of bookings whose buyer has to act, by event and section; 0 where there are none."""
    return Counter(
        (said.event_id, place.section_id)
        for said in evidence.bookings.values()
        if said.status == AWAITING_PAYMENT
        for place in said.places
    )
