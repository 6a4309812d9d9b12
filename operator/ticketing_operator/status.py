"""What a platform's status says, by kstatus' rules: pure functions from what was seen to conditions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

LONGEST_MESSAGE: Final = 1024

type ConditionType = Literal["Ready", "Reconciling", "Stalled", "Paused", "Mesh"]
type Truth = Literal["True", "False", "Unknown"]


class Condition(Struct, frozen=True, rename="camel", kw_only=True):
    type: ConditionType
    status: Truth
    reason: Annotated[str, Meta(max_length=1024, min_length=1)]
    message: Annotated[str, Meta(max_length=32768)]
    observed_generation: int
    last_transition_time: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class ServiceStatus(Struct, frozen=True, rename="camel", kw_only=True):
    name: str
    ready: int
    desired: int
    # Of the image that its pods run, or are about to.
    version: str
    message: str


class Endpoint(Struct, frozen=True, rename="camel", kw_only=True):
    name: str
    url: str


class Certificate(Struct, frozen=True, rename="camel", kw_only=True):
    name: str
    not_after: str


def _by(key: str) -> Meta:
    return Meta(extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]})


class Status(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    observed_generation: int = 0
    # The newest version that ran as a whole.
    version: str = ""
    services_ready: str = ""
    realtime_ready: str = ""
    conditions: Annotated[list[Condition], _by("type")] = []
    services: Annotated[list[ServiceStatus], _by("name")] = []
    endpoints: Annotated[list[Endpoint], _by("name")] = []
    certificates: Annotated[list[Certificate], _by("name")] = []


class Told(NamedTuple):
    """One condition, without its times."""

    type: ConditionType
    true: bool
    reason: str
    message: str


class Verdict(Struct, frozen=True, kw_only=True):
    """What one pass over a platform came to: one word and one sentence."""

    state: Literal["ready", "working", "stalled"]
    reason: str
    message: str
    paused: bool = False
    # When there is something to do again, although nothing happens before; seconds from now.
    again_in_s: float | None = None


def read_status(status: object) -> Status:
    """What was written before; whatever can not be read was not written by this version, and counts as nothing."""
    try:
        return msgspec.convert(status or {}, Status)
    except msgspec.ValidationError:
        return Status()


def conditions(
    verdict: Verdict, before: Sequence[Condition], *, generation: int, now: datetime, mesh: Told | None = None
) -> list[Condition]:
    """The four conditions and that of the mesh, in a fixed order. A time changes only with its condition's status."""
    ready, working, stalled = (verdict.state == state for state in ("ready", "working", "stalled"))
    told = [
        Told("Ready", ready, verdict.reason, verdict.message),
        Told("Reconciling", working, verdict.reason if working else "Settled", verdict.message if working else ""),
        Told("Stalled", stalled, verdict.reason if stalled else "NotStalled", verdict.message if stalled else ""),
        Told("Paused", verdict.paused, "Paused" if verdict.paused else "NotPaused", ""),
        *([mesh] if mesh else []),
    ]
    earlier = {condition.type: condition for condition in before}
    return [
        Condition(
            type=one.type,
            status="True" if one.true else "False",
            reason=one.reason,
            message=one.message[:LONGEST_MESSAGE],
            observed_generation=generation,
            last_transition_time=_since(earlier.get(one.type), "True" if one.true else "False", now),
        )
        for one in told
    ]


def _since(before: Condition | None, status: Truth, now: datetime) -> str:
    if before and before.status == status:
        return before.last_transition_time
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def transitions(before: Sequence[Condition], after: Sequence[Condition]) -> list[Condition]:
    """Conditions worth an Event: Ready and Mesh, whenever their status or reason changed."""
    earlier: Mapping[str, Condition] = {condition.type: condition for condition in before}
    return [
        condition
        for condition in after
        if condition.type in {"Ready", "Mesh"} and _changed(earlier.get(condition.type), condition)
    ]


def _changed(before: Condition | None, after: Condition) -> bool:
    return before is None or (before.status, before.reason) != (after.status, after.reason)
