"""Invariants: what must hold whatever dies, what was found when it was looked at, and since when it does not hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from prometheus_client import Gauge

MAX_EXAMPLES: Final = 20
MAX_REPAIRS: Final = 50
_LOOKED: Final = Gauge("invariants_looked_at_timestamp_seconds", "When this process last told what it found.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that should not be. Ids only: nobody's name, mail or card."""

    invariant: str
    subject: str
    what: str
    # None: nothing in the books says it; then since it was first seen.
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A receipt: what was wrong, what was done about it and when, by the rule that was broken."""

    rule: str
    subject: str
    found: str
    done: str
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one look found. `promises` names every invariant that was looked at, also those that hold."""

    promises: Mapping[str, str]
    violations: Sequence[Violation]
    looked_at: Mapping[str, int]
    repairs: Sequence[Repair] = ()
    # Why not everything was looked at; empty when it was.
    left_out: str = ""

    def message(self, *, now: datetime) -> dict[str, Any]:
        """The fields of an invariants.CheckInvariantsResponse."""
        return {
            "invariants": [self._invariant(name, promise, now=now) for name, promise in self.promises.items()],
            "repairs": [_repair(one) for one in self.repairs[:MAX_REPAIRS]],
            "left_out": self.left_out,
        }

    def _invariant(self, name: str, promise: str, *, now: datetime) -> dict[str, Any]:
        found = sorted((one for one in self.violations if one.invariant == name), key=lambda one: -_age_s(one, now=now))
        return {
            "name": name,
            "promise": promise,
            "looked_at": self.looked_at.get(name, 0),
            "violations": len(found),
            "oldest_s": _age_s(found[0], now=now) if found else 0.0,
            "examples": [
                {"subject": one.subject, "what": one.what, "age_s": _age_s(one, now=now)}
                for one in found[:MAX_EXAMPLES]
            ],
        }


class Gauges:
    """For each invariant two gauges: `<name>`, how many violations there are, and `<name>_seconds`, since when.

    Also when the last look was: a check that stopped looking finds nothing.
    """

    def __init__(self, promises: Mapping[str, str]) -> None:
        self._promises = promises
        self._counts = {name: Gauge(name, f"Always 0, for: {promise}.") for name, promise in promises.items()}
        self._ages = {
            name: Gauge(f"{name}_seconds", f"Age of the oldest violation; 0 without one, for: {promise}.")
            for name, promise in promises.items()
        }

    @property
    def metrics(self) -> Sequence[Gauge]:
        """All of them."""
        return [*self._counts.values(), *self._ages.values()]

    def tell(self, violations: Sequence[Violation], *, now: datetime) -> None:
        """All that is wrong at the moment."""
        for name in self._promises:
            ages = [_age_s(one, now=now) for one in violations if one.invariant == name]
            self._counts[name].set(len(ages))
            self._ages[name].set(max(ages, default=0.0))
        _LOOKED.set(now.timestamp())


@dataclass(slots=True)
class Memory:
    """Since when a violation is seen, where the books do not say."""

    now: Callable[[], datetime]
    _first_seen: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def dated(self, violations: Sequence[Violation]) -> Sequence[Violation]:
        """Each with the time it began. What is not among them any more is forgotten."""
        at = self.now()
        seen = {(one.invariant, one.subject): one.since or at for one in violations}
        self._first_seen = {key: min(self._first_seen.get(key, since), since) for key, since in seen.items()}
        return [replace(one, since=self._first_seen[one.invariant, one.subject]) for one in violations]


def grace_of(grace_s: int, default: timedelta) -> timedelta:
    """What a request asks for; 0 and less mean the default."""
    return timedelta(seconds=grace_s) if grace_s > 0 else default


def _age_s(violation: Violation, *, now: datetime) -> float:
    return max((now - violation.since).total_seconds(), 0.0) if violation.since else 0.0


def _repair(one: Repair) -> dict[str, str]:
    return {
        "rule": one.rule,
        "subject": one.subject,
        "found": one.found,
        "done": one.done,
        "ended_at": one.ended_at.isoformat(timespec="seconds"),
    }
