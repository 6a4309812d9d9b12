"""What happened twice though it was asked once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from tests.load.sale.evidence import Evidence, Mail
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
    """Two mails of one kind about one booking: a mailbox shows both, for their Message-IDs differ."""
    sent: dict[tuple[str, str], set[str]] = defaultdict(set)
    for mail in evidence.mails or ():
        sent[mail.booking_id, mail.kind].add(mail.message_id)
    return [
        Finding("double_mail", booking_id, f"{len(ids)} mails of kind {kind!r}: {', '.join(sorted(ids))}")
        for (booking_id, kind), ids in sent.items()
        if len(ids) > 1
    ]


def redelivered(mails: Sequence[Mail]) -> int:
    """Deliveries of a mail that had been delivered: a mailbox that knows Message-IDs shows one.

    No finding, for SMTP can not do without (docs/decisions/0013), but counted and told.
    """
    deliveries: Counter[Mail] = Counter()
    for mail in mails:
        deliveries[replace(mail, deliveries=1)] += mail.deliveries
    return deliveries.total() - len(deliveries)
