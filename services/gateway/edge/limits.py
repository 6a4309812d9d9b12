"""Rate limits: how often a user, or an address, may ask.

Each replica counts by itself, in memory. What the limits protect is this process and the peers behind it, whose
capacity grows with the replicas; a count shared through Redis would cost every read a round trip and would turn an
outage of Redis into an outage of all reads. The price: with N replicas a caller may get up to N times the limit.
What must be exact is counted elsewhere: failed logins by auth, places per booking by ticket.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from services.gateway import metrics
from services.kit.errors import TooManyAttempts

WINDOW_S: Final = 60.0
REMEMBERED: Final = 100_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller has left of a policy."""

    policy: str
    quota: int
    left: int

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers says it."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={WINDOW_S:.0f}',
            "RateLimit": f'"{self.policy}";r={self.left};t={WINDOW_S:.0f}',
        }


class OverLimit(TooManyAttempts):
    def __init__(self, allowance: Allowance, *, retry_after_s: float) -> None:
        super().__init__(
            f"more than {allowance.quota} requests a minute (policy `{allowance.policy}`)", retry_after_s=retry_after_s
        )
        self.allowance = allowance


class Limiter:
    """A token bucket for each caller: a minute's worth at once, refilled evenly (as GCRA: one number a caller)."""

    def __init__(self, policy: str, per_minute: int) -> None:
        self._policy, self._quota = policy, per_minute
        self._interval_s = WINDOW_S / per_minute if per_minute else 0.0
        # Caller → when the bucket will be full again.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, who: str, now: float) -> Allowance | None:
        """One request of this caller; None when there is no limit. Refuses OverLimit."""
        if not self._quota:
            return None
        full_at = max(self._full_at.get(who, now), now) + self._interval_s
        over_s = full_at - now - WINDOW_S
        if over_s > 1e-9:
            metrics.RATE_LIMITED.labels(self._policy).inc()
            raise OverLimit(Allowance(self._policy, self._quota, 0), retry_after_s=over_s)
        self._full_at[who] = full_at
        self._full_at.move_to_end(who)
        if len(self._full_at) > REMEMBERED:
            self._full_at.popitem(last=False)
        return Allowance(self._policy, self._quota, int(-over_s / self._interval_s))
