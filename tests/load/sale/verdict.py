"""What a sale came to, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf

from tests.load.sale.buyers import Order
from tests.load.sale.evidence import AWAITING_PAYMENT, CANCELLED, CONFIRMED, REJECTED, Evidence, Story
from tests.load.sale.judging import Judgement

MOST_FINDINGS = 50


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast results came: of those answered on a socket, from POST to the first outcome."""

    answered: int = 0
    window_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    # From POST to the 202.
    accepted_p50_ms: float = 0.0
    accepted_p99_ms: float = 0.0

    @property
    def per_second(self) -> float:
        return self.answered / self.window_s if self.window_s else 0.0


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A booking whose buyer heard of it on the socket; moments on the clock of `time.perf_counter`."""

    posted_at: float
    told_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    judgement: Judgement
    buyers: int
    seed: int
    orders: int
    confirmed: int
    refused_by_reason: Mapping[str, int]
    cancelled: int
    awaiting_payment: int
    pace: Pace
    # None: they were not waited for.
    mails: int | None
    # Mails that came again as the same mail: a mailbox shows one.
    redelivered: int = 0
    # How the crowd fared: reconnected, dropped sockets, repeated requests …
    crowd: Mapping[str, int] = field(default_factory=dict)
    # Of this client, over the sale.
    cpu_s: float = 0.0
    # Phase → seconds.
    took_s: Mapping[str, float] = field(default_factory=dict)
    confirmations: Sequence[Confirmation] = ()

    @property
    def holds(self) -> bool:
        return self.judgement.holds

    @property
    def refused(self) -> int:
        return sum(self.refused_by_reason.values())

    def as_json(self) -> dict[str, object]:
        judgement, pace = self.judgement, self.pace
        return {
            "holds": self.holds,
            "confirmed": self.confirmed,
            "refused": self.refused,
            "refused_by_reason": dict(self.refused_by_reason),
            "oversold": len(judgement.oversold),
            "lost": len(judgement.lost),
            "paid_without_ticket": len(judgement.paid_without_ticket),
            "stuck": len(judgement.stuck),
            "double_booked": len(judgement.double_booked),
            "double_mail": len(judgement.double_mail),
            "bookings_per_s": round(pace.per_second, 1),
            "p50_ms": round(pace.p50_ms, 1),
            "p99_ms": round(pace.p99_ms, 1),
            "accepted_p50_ms": round(pace.accepted_p50_ms, 1),
            "accepted_p99_ms": round(pace.accepted_p99_ms, 1),
            "answered": pace.answered,
            "window_s": round(pace.window_s, 2),
            "orders": self.orders,
            "cancelled": self.cancelled,
            "awaiting_payment": self.awaiting_payment,
            "mails": self.mails,
            "redelivered": self.redelivered,
            "buyers": self.buyers,
            "seed": self.seed,
            "crowd": dict(self.crowd),
            "client_cpu_s": round(self.cpu_s, 2),
            "took_s": {phase: round(seconds, 2) for phase, seconds in self.took_s.items()},
            "findings": [str(finding) for finding in judgement.findings[:MOST_FINDINGS]],
        }


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0


def pace_of(orders: Sequence[Order], *, begin: float = 0.0, end: float = inf) -> Pace:
    """Of the results that came between two moments; without them from the first POST to the last result."""
    answered = [order for order in orders if begin <= order.heard.first_at <= end and order.heard.first_at]
    present = [order for order in answered if not order.away]
    if not present:
        return Pace(answered=len(answered))
    began = max(begin, min(order.posted_at for order in present))
    ended = min(end, max(order.heard.first_at for order in present))
    results = [1000 * (order.heard.first_at - order.posted_at) for order in present]
    accepted = [1000 * (order.queued_at - order.posted_at) for order in present]
    return Pace(
        answered=len(answered),
        window_s=ended - began,
        p50_ms=percentile(results, 0.50),
        p99_ms=percentile(results, 0.99),
        accepted_p50_ms=percentile(accepted, 0.50),
        accepted_p99_ms=percentile(accepted, 0.99),
    )


def outcomes(evidence: Evidence) -> Mapping[str, int]:
    """Status → how many of the orders have it in the end."""
    known = evidence.bookings
    ended = Counter(known[story.booking_id].status for story in evidence.stories if story.booking_id in known)
    return {status: ended[status] for status in (CONFIRMED, CANCELLED, AWAITING_PAYMENT)}


def refusals(evidence: Evidence) -> Mapping[str, int]:
    """Reason → how often, the most frequent first: at the door and of rejected bookings alike."""
    reasons = Counter(reason for story in evidence.stories if (reason := _why_not(story, evidence)))
    return dict(reasons.most_common())


def _why_not(story: Story, evidence: Evidence) -> str:
    if not story.booking_id:
        return story.refused
    ended = evidence.bookings.get(story.booking_id)
    return (ended.reason or "no reason given") if ended is not None and ended.status == REJECTED else ""
