"""Traces: one context from the buyer's request to the mail, W3C `traceparent` wherever it leaves the process.

A span is made only where somebody will see it: within a sampled trace. The rest costs the passing on of an id.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import getrandbits, random
from types import TracebackType
from typing import Final, Self

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags, Tracer

from services.kit.errors import Refusal

type Attributes = Mapping[str, str | int | float | bool]

_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_UNSAMPLED: Final = TraceFlags(TraceFlags.DEFAULT)
# Spans of traces that were not sampled, kept because they failed or were slow; so many a second.
MAX_LATE_PER_S: Final = 20.0
# Where work enters a process, or lives in it: what is worth keeping alone.
_ENTRIES: Final = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})


@dataclass(slots=True)
class Tracing:
    """What this process does about traces; set around its work by `exporting.exporting`."""

    # None: nothing is exported.
    tracer: Tracer | None = None
    ratio: float = 0.0
    slow_s: float = 2.0
    late_left: float = MAX_LATE_PER_S
    late_at: float = 0.0

    def may_be_late(self) -> bool:
        now = time.monotonic()
        self.late_left = min(MAX_LATE_PER_S, self.late_left + (now - self.late_at) * MAX_LATE_PER_S)
        self.late_at = now
        if self.late_left < 1:
            return False
        self.late_left -= 1
        return True


TRACING: Final = Tracing()


class span:
    """A span around a block; within is what `traceparent` says.

    `parent` is a traceparent from another process; empty: the current span. Outside any trace, and in one that is not
    sampled, there is no span. Yet a failed or slow `SERVER` or `CONSUMER` of such a trace is kept, alone. A Refusal is
    an answer and no failure. `failed` says what went wrong where no exception comes this far.
    """

    __slots__ = (
        "_attributes",
        "_began_ns",
        "_failure",
        "_here",
        "_kind",
        "_name",
        "_parent",
        "_root",
        "_span",
        "_token",
    )

    def __init__(
        self,
        name: str,
        *,
        parent: str = "",
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes | None = None,
    ) -> None:
        self._name, self._kind, self._attributes = name, kind, attributes
        self._here: Span = parsed(parent) or trace.get_current_span()
        self._parent = parent
        self._root = False
        self._failure = ""

    def __enter__(self) -> Self:
        self._began_ns = time.time_ns()
        if self._root and TRACING.tracer is not None:
            self._span: Span | None = TRACING.tracer.start_span(
                self._name, contexts.Context(), self._kind, self._attributes
            )
        else:
            self._span = _started(self._name, self._here, self._kind, self._attributes)
        here = self._span or (self._here if self._parent else None)
        self._token = contexts.attach(trace.set_span_in_context(here)) if here else None
        return self

    def set(self, name: str, value: str | int | float | bool) -> None:
        """One more attribute, known only now."""
        if self._span is not None:
            self._span.set_attribute(name, value)

    def failed(self, failure: str) -> None:
        self._failure = failure

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._token is not None:
            contexts.detach(self._token)
        failure = self._failure or failure_of(error)
        if self._span is not None:
            end(self._span, failure)
        elif self._kind in _ENTRIES and TRACING.tracer is not None:
            self._keep_late(failure)

    def _keep_late(self, failure: str) -> None:
        took_s = (time.time_ns() - self._began_ns) / 1e9
        before = self._here.get_span_context()
        if before.is_valid and (failure or took_s > TRACING.slow_s) and TRACING.may_be_late():
            attributes = {**(self._attributes or {}), "ticketing.kept": "failed" if failure else "slow"}
            record(self._name, before, began_ns=self._began_ns, kind=self._kind, attributes=attributes, failure=failure)


def edge(name: str, asked: str, attributes: Attributes) -> span:
    """A span around a request from outside. `asked` is its traceparent: the trace id is kept, but whether the trace is
    sampled is our decision, for whoever asks does not pay for it."""
    sampled = TRACING.tracer is not None and random() < TRACING.ratio  # noqa: S311 - which traces to keep is no secret
    before = parsed(asked)
    parent = before.get_span_context() if before else SpanContext(getrandbits(128) or 1, getrandbits(64) or 1, False)
    ours = _text(parent.trace_id, parent.span_id, _SAMPLED if sampled else _UNSAMPLED)
    around = span(name, parent=ours, kind=SpanKind.SERVER, attributes=attributes)
    around._root = sampled and before is None
    return around


def begun(
    name: str, *, parent: str = "", kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes | None = None
) -> Span | None:
    """A span for its owner to `end`, which is not the current one; None where nobody would see it."""
    if TRACING.tracer is None:
        return None
    return _started(name, parsed(parent) or trace.get_current_span(), kind, attributes)


def _started(name: str, parent: Span, kind: SpanKind, attributes: Attributes | None) -> Span | None:
    if TRACING.tracer is None or not parent.get_span_context().trace_flags.sampled:
        return None
    return TRACING.tracer.start_span(name, trace.set_span_in_context(parent), kind, attributes)


def end(one: Span, failure: str = "") -> None:
    if failure:
        one.set_attribute("error.type", failure)
        one.set_status(Status(StatusCode.ERROR))
    one.end()


def record(
    name: str,
    parent: SpanContext,
    *,
    began_ns: int,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
    failure: str = "",
) -> None:
    """A span of something that is over already. It is kept whether or not its trace is sampled."""
    if TRACING.tracer is None:
        return
    here = NonRecordingSpan(SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=_SAMPLED))
    late = TRACING.tracer.start_span(
        name, trace.set_span_in_context(here), kind, attributes, start_time=began_ns, record_exception=False
    )
    end(late, failure)


@contextmanager
def led(spans: Sequence[Span | None]) -> Iterator[None]:
    """Many joined in one batch. Its work is done in the trace of the first of them; the others link there."""
    sampled = [one for one in spans if one is not None]
    if not sampled:
        yield
        return
    leader = sampled[0]
    for other in sampled[1:]:
        other.add_link(leader.get_span_context())
        leader.add_link(other.get_span_context())
    leader.set_attribute("ticketing.batch.size", len(spans))
    token = contexts.attach(trace.set_span_in_context(leader))
    try:
        yield
    finally:
        contexts.detach(token)


@contextmanager
def joined(name: str, traceparents: Sequence[str]) -> Iterator[None]:
    """Around what is done for many at once, each with a trace of its own: a span in every sampled one, as in `led`."""
    spans = [begun(name, parent=parent) for parent in traceparents if is_sampled(parent)]
    try:
        with led(spans):
            yield
    finally:
        for one in filter(None, spans):
            one.end()


@contextmanager
def adopted(traceparent: str) -> Iterator[None]:
    """Go on, without a span of one's own, in the trace that began elsewhere."""
    here = parsed(traceparent)
    if here is None:
        yield
        return
    token = contexts.attach(trace.set_span_in_context(here))
    try:
        yield
    finally:
        contexts.detach(token)


def parsed(traceparent: str) -> NonRecordingSpan | None:
    """The place in a trace that a traceparent names; None when it names none."""
    if not traceparent:
        return None
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    if not trace_id or not span_id:
        return None
    return NonRecordingSpan(SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags)))


def traceparent(of: Span | None = None) -> str:
    """The span, or the current one, as a `traceparent` header; empty outside any trace."""
    here = (of or trace.get_current_span()).get_span_context()
    return _text(here.trace_id, here.span_id, here.trace_flags) if here.is_valid else ""


def is_sampled(traceparent: str) -> bool:
    return traceparent.endswith("1") and TRACING.tracer is not None


def is_recording() -> bool:
    """Whether a span that is begun now would be seen."""
    return TRACING.tracer is not None and trace.get_current_span().get_span_context().trace_flags.sampled


def current_trace_id() -> str:
    """32 hex digits, or empty outside any trace."""
    here = trace.get_current_span().get_span_context()
    return format(here.trace_id, "032x") if here.is_valid else ""


def exemplar() -> dict[str, str] | None:
    """What leads from a measurement to its trace; None where there is nothing to see."""
    if TRACING.tracer is None:
        return None
    here = trace.get_current_span().get_span_context()
    return {"trace_id": format(here.trace_id, "032x")} if here.trace_flags.sampled else None


def failure_of(error: BaseException | None) -> str:
    """The name of a fault, and no more: its message may hold what a person typed. Empty for an answer."""
    return type(error).__name__ if isinstance(error, Exception) and not isinstance(error, Refusal) else ""


def _text(trace_id: int, span_id: int, flags: int) -> str:
    return f"00-{trace_id:032x}-{span_id:016x}-{flags:02x}"
