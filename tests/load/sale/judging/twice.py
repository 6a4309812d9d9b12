"""What happened twice though it was asked once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.load.sale.evidence import Evidence
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
