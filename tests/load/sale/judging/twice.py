"""What happened twice though it was asked once, and places that are held for nobody."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tests.load.sale.evidence import AWAITING_PAYMENT, DECIDED, Evidence
from tests.load.sale.judging.finding import Finding


def double_bookings(evidence: Evidence) -> Sequence[Finding]:
    """One Idempotency-Key has made two: both were answered, or one is in the list of a buyer who never heard of it."""
    by_key: dict[str, set[str]] = defaultdict(set)
    for story in evidence.stories:
        if story.key and story.booking_id:
            by_key[story.key].add(story.booking_id)
    known = {story.booking_id for story in evidence.stories}
    return [
        *(
            Finding("double_booked", booking_id, f"the key {key} has made {len(ids)} bookings")
            for key, ids in by_key.items()
            for booking_id in sorted(ids)[1:]
        ),
        *(
            Finding("double_booked", booking_id, "in the buyer's list, but no order was answered with it")
            for booking_id in sorted(evidence.bookings.keys() - known)
        ),
    ]


def double_mails(evidence: Evidence) -> Sequence[Finding]:
    sent = Counter(evidence.mails or ())
    return [
        Finding("double_mail", mail.booking_id, f"{mail.message_id} came {times} times")
        for mail, times in sent.items()
        if times > 1
    ]


def unexplained_holds(evidence: Evidence) -> Sequence[Finding]:
    """Places that are held in the end, when every booking that could hold one is decided."""
    open_still = any(
        said.status == AWAITING_PAYMENT or said.status not in DECIDED for said in evidence.bookings.values()
    )
    return [] if open_still else list(_held(evidence))


def _held(evidence: Evidence) -> Iterator[Finding]:
    for (event_id, section_id), section in evidence.after.items():
        before = evidence.before.get((event_id, section_id))
        more = section.held - (before.held if before else 0)
        if more > 0:
            yield Finding("held_by_nobody", section_id, f"{more} places are held, and no booking is open")
