"""Paid without ticket: money kept for a booking that is not confirmed, and tickets nobody paid for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.load.sale.evidence import CONFIRMED, Evidence, Intent, Said
from tests.load.sale.judging.finding import Finding

KIND = "paid_without_ticket"


def unpaired_money(evidence: Evidence) -> Sequence[Finding]:
    kept: dict[str, list[Intent]] = defaultdict(list)
    for intent in evidence.intents:
        if intent.kept:
            kept[intent.booking_id].append(intent)
    bookings = sorted({*kept, *evidence.bookings})
    return [
        Finding(KIND, booking_id or "a charge without a booking", sentence)
        for booking_id in bookings
        for sentence in _wrongs(kept.get(booking_id, []), evidence.bookings.get(booking_id))
    ]


def _wrongs(kept: Sequence[Intent], said: Said | None) -> Iterator[str]:
    charges = ", ".join(intent.id for intent in kept)
    if said is None or said.status != CONFIRMED:
        if kept:
            yield f"{charges} took money, and the booking is {said.status if said else 'unknown'!r}"
        return
    if not kept:
        if said.total != 0:
            yield "confirmed, and no charge succeeded"
    elif len(kept) > 1:
        yield f"charged more than once: {charges}"
    elif said.total is not None and kept[0].kept != said.total:
        yield f"{charges} took {kept[0].kept}, the tickets cost {said.total}"
