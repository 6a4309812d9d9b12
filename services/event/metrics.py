"""What organisers do, counted."""

from typing import Final

from prometheus_client import Counter

EVENTS_DRAFTED: Final = Counter("events_drafted_total", "Drafts of events made.")
EVENTS_PUBLISHED: Final = Counter("events_published_total", "Events put on sale.")
EVENTS_CANCELLED: Final = Counter("events_cancelled_total", "Events whose sale was ended for good.")
