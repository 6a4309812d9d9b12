"""What each fault of a rehearsal looks like: the panel or the alert that shows it, and what of it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from observe.boards import ALL
from observe.panels import WINDOW
from observe.queries import rules
from tests.load.rehearsal.faults import Fault, Kind

# Seven scrapes, and longer than a process needs to start again. Grafana's own window is at least four.
LOOKS_BACK: Final = "15s"
# A fault is undone as soon as it was seen; one that never is, in the end.
LONG_S: Final = 30.0

type Shows = Callable[[float], bool]


def above(bound: float) -> Shows:
    return lambda value: value > bound


def below(bound: float) -> Shows:
    return lambda value: value < bound


def at_all(_: float) -> bool:
    """Of an alert, whose expression has a value only while it would fire."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """`where` is an alert's name, or a panel's as runbooks write it; `labels` say which of its lines."""

    fault: Fault
    where: str
    labels: Mapping[str, str] = field(default_factory=dict)
    shows: Shows

    def __str__(self) -> str:
        return f"{self.fault} in {self.where}"


def expressions_at(where: str) -> Sequence[str]:
    """As the code of the board, or the file of the alert, has them. Raises KeyError for one that does not exist."""
    alerts = {rule.name: [rule.expr] for rule in rules() if rule.is_alert}
    panels = {
        f"{board.title.removeprefix('Ticketing / ')} / {panel.title}": [query.expr for query in panel.queries]
        for board in ALL
        for panel in board.panels
    }
    return [expr.replace(WINDOW, LOOKS_BACK) for expr in (alerts | panels)[where]]


def _psp(**order: float) -> Fault:
    return Fault(kind=Kind.PSP, targets=("payment",), lasts_s=LONG_S, details=order)


def _lasting(kind: Kind, target: str) -> Fault:
    return Fault(kind=kind, targets=(target,), lasts_s=LONG_S)


def _in_a_moment(kind: Kind, target: str) -> Fault:
    return Fault(kind=kind, targets=(target,))


_STORES: Final = "Data stores / Stores answer"
_UNANSWERED: Final = "Mesh / Calls without an answer"

# In this order, for a line of one falls back before another needs it: rates look back, the alert's for two minutes.
SIGHTS: Final = (
    Sight(fault=_psp(unanswered=0.5), where="PspUnanswered", shows=at_all),
    Sight(fault=_psp(slow_s=1.0), where="On-sale / PSP latency", labels={"outcome": "answered"}, shows=above(0.5)),
    Sight(fault=_psp(webhook_copies=3), where="On-sale / Webhooks", labels={"result": "repeated"}, shows=above(0)),
    Sight(fault=_psp(webhook_delay_s=8.0), where="On-sale / Age of webhooks", shows=above(2.5)),
    Sight(
        fault=_psp(answered_late=0.5), where="On-sale / PSP latency", labels={"outcome": "unknown"}, shows=above(0.5)
    ),
    Sight(
        fault=_in_a_moment(Kind.KILL, "booking"),
        where="Services / Started again",
        labels={"job": "booking"},
        shows=above(0),
    ),
    Sight(fault=_lasting(Kind.FREEZE, "ticket"), where="Services / Up", labels={"job": "ticket"}, shows=below(1)),
    Sight(
        fault=_in_a_moment(Kind.CUT, "*/redis"),
        where="Data stores / Commands without an answer",
        labels={"job": "booking-worker"},
        shows=above(0),
    ),
    Sight(
        fault=_in_a_moment(Kind.CUT, "*/postgres"),
        where="Data stores / Transactions",
        labels={"job": "payment", "result": "away"},
        shows=above(0),
    ),
    Sight(fault=_in_a_moment(Kind.CUT, "booking-worker/booking"), where="Mesh / Streams to booking", shows=above(0)),
    Sight(fault=_in_a_moment(Kind.CUT, "buyers/realtime"), where="On-sale / Sockets opened", shows=above(5)),
    Sight(
        fault=_lasting(Kind.AWAY, "booking/payment"),
        where=_UNANSWERED,
        labels={"source": "booking", "destination": "payment"},
        shows=above(0),
    ),
    Sight(fault=_lasting(Kind.AWAY, "*/kafka"), where=_STORES, labels={"dependency": "kafka"}, shows=below(1)),
    Sight(
        fault=_lasting(Kind.MUTE, "booking/ticket"),
        where=_UNANSWERED,
        labels={"source": "booking", "destination": "ticket"},
        shows=above(0),
    ),
    Sight(fault=_lasting(Kind.MUTE, "*/redis"), where=_STORES, labels={"dependency": "redis"}, shows=below(1)),
    Sight(
        fault=_lasting(Kind.STORE_KILL, "PostgreSQL"),
        where="DependencyDown",
        labels={"job": "booking", "dependency": "postgres"},
        shows=at_all,
    ),
    Sight(fault=_lasting(Kind.STORE_STOP, "Valkey"), where=_STORES, labels={"dependency": "redis"}, shows=below(1)),
    Sight(
        fault=_lasting(Kind.STORE_FREEZE, "broker"),
        where="DependencyDown",
        labels={"job": "booking", "dependency": "kafka"},
        shows=at_all,
    ),
    Sight(
        fault=Fault(kind=Kind.CLOCK, targets=("email-worker",), details={"by_s": -45.0}),
        where="Services / Clocks are wrong by",
        labels={"job": "email-worker"},
        shows=above(40),
    ),
)
