"""Metrics that every service has: rate, errors and duration of calls, requests, facts and rounds; how full it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import cache, wraps
from typing import Any, Final

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from services.kit.errors import NotNow
from services.kit.tracing import exemplar

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_COARSE: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0)
# When a child was made is a series of its own for every one, and nobody asks.
disable_created_metrics()  # type: ignore[no-untyped-call] # the library has no type for it
# Words that other services chose become labels: so many of them, and then they are all `other`.
MAX_WORDS: Final = 40

RPC_HANDLED: Final = Counter(
    "rpc_server_handled_total", "gRPC calls answered, by method and status code.", ["method", "code"]
)
RPC_DURATION: Final = Histogram(
    "rpc_server_duration_seconds", "Time to answer a gRPC call.", ["method"], buckets=_BUCKETS
)
RPC_DENIED: Final = Counter("rpc_server_denied_total", "gRPC calls refused for who made them.", ["method", "source"])
RPC_SHED: Final = Counter("rpc_server_shed_total", "gRPC calls turned away because too many were at work.", ["method"])
RPC_ASKED: Final = Counter(
    "rpc_client_handled_total",
    "gRPC calls made to a peer, by the status code that came back.",
    ["source", "destination", "method", "code"],
)
RPC_WAITED: Final = Histogram(
    "rpc_client_duration_seconds",
    "Time until a peer answered, or did not.",
    ["source", "destination", "method"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0),
)
RPC_CIRCUIT_OPEN: Final = Gauge(
    "rpc_client_circuit_open",
    "1 while a peer is left alone because nothing came back from it, else 0.",
    ["source", "destination"],
)
RPC_CIRCUIT_REFUSED: Final = Counter(
    "rpc_client_circuit_refused_total",
    "Calls that were not made to a peer that is left alone.",
    ["source", "destination"],
)
RPC_STREAMED: Final = Counter(
    "rpc_client_messages_total", "Messages sent to a peer on long streams.", ["source", "destination", "method"]
)
IDENTITY_ISSUED: Final = Gauge(
    "identity_issued_timestamp_seconds", "Since when the certificate of this process is good; 0: it has none."
)
IDENTITY_EXPIRES: Final = Gauge(
    "identity_expires_timestamp_seconds", "Until when the certificate of this process is good; 0: it has none."
)
HTTP_HANDLED: Final = Counter("http_server_requests_total", "HTTP requests answered.", ["method", "route", "code"])
HTTP_DURATION: Final = Histogram(
    "http_server_duration_seconds", "Time to answer an HTTP request.", ["route"], buckets=_BUCKETS
)

FACTS_CONSUMED: Final = Counter(
    "facts_consumed_total",
    "Kafka messages that were done with, by topic and result: handled or buried.",
    ["topic", "result"],
)
FACTS_DURATION: Final = Histogram(
    "facts_handling_seconds", "Time to handle a batch of Kafka messages.", buckets=_COARSE
)
FACTS_AGE: Final = Histogram(
    "facts_age_seconds",
    "From a fact's becoming true to its being handled; one sample a batch and topic, the oldest.",
    ["topic"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0),
)
FACTS_BEHIND: Final = Gauge(
    "facts_behind", "Kafka messages of a topic that this consumer has yet to read, as last fetched.", ["topic"]
)
FACTS_PUBLISHED: Final = Counter("facts_published_total", "Kafka messages sent, by topic.", ["topic"])
PUBLISH_DURATION: Final = Histogram(
    "facts_publish_seconds", "Time until Kafka had a batch for good, or did not take it.", ["result"], buckets=_COARSE
)
OUTBOX_WAITING: Final = Gauge("outbox_waiting", "Rows of the outbox that were not sent yet, as last read.")
OUTBOX_OLDEST: Final = Gauge("outbox_oldest_seconds", "Age of the oldest row that was not sent yet, as last read.")

ROUNDS: Final = Counter(
    "job_rounds_total",
    "Rounds of what a process does unasked, by result: done, waits (something is away), cancelled or failed.",
    ["work", "result"],
)
ROUND_DURATION: Final = Histogram("job_round_seconds", "Time a round took.", ["work"], buckets=_COARSE)

BATCH_ITEMS: Final = Histogram(
    "batch_items", "Items worked together, by batcher.", ["batcher"], buckets=(1, 2, 5, 10, 25, 50, 100, 200)
)
BATCH_DURATION: Final = Histogram("batch_work_seconds", "Time to work a batch.", ["batcher"], buckets=_COARSE)
BATCH_WAITING: Final = Gauge("batch_waiting", "Items that gather for the next batch, when one began.", ["batcher"])

TRANSACTION_DURATION: Final = Histogram(
    "postgres_transaction_seconds",
    "Time from asking for a connection to the commit, by result: done, contended, away or failed.",
    ["result"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
)
POOL_IN_USE: Final = Gauge("postgres_pool_in_use", "Connections to PostgreSQL that are at work.")
POOL_LIMIT: Final = Gauge("postgres_pool_limit", "Connections to PostgreSQL that this process may open.")
REDIS_IN_USE: Final = Gauge("redis_pool_in_use", "Connections to Redis that are at work, by client.", ["client"])
REDIS_UNANSWERED: Final = Counter(
    "redis_unanswered_total", "Commands that Redis did not answer, or not as one that is ready; health checks too."
)
LOOP_LAG: Final = Histogram(
    "event_loop_lag_seconds",
    "How much later than asked for the event loop woke a timer.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
SPANS: Final = Counter("tracing_spans_total", "Spans that ended, by what became of them: sent or dropped.", ["result"])
TASKS: Final = Gauge("asyncio_tasks", "Tasks of the event loop.")
CLOCK: Final = Gauge("clock_timestamp_seconds", "What time it is, as this process has it, in seconds since 1970.")
GC_PAUSE: Final = Histogram(
    "python_gc_pause_seconds",
    "Time the garbage collector stopped the process.",
    ["generation"],
    buckets=(0.001, 0.01, 0.05, 0.1, 0.5),
)
DEPENDENCY_UP: Final = Gauge("dependency_up", "1 while a store or peer answers its check, else 0.", ["dependency"])


def rpc_handled(method: str, code: str, took_s: float) -> None:
    handled, took = _rpc_server(method, code)
    handled.inc()
    took.observe(took_s, exemplar())


def rpc_asked(source: str, destination: str, method: str, code: str, took_s: float) -> None:
    asked, waited = _rpc_client(source, destination, method, code)
    asked.inc()
    waited.observe(took_s, exemplar())


def http_handled(method: str, route: str, code: int, took_s: float) -> None:
    handled, took = _http(method, route, code)
    handled.inc()
    took.observe(took_s, exemplar())


# Finding a child by its labels costs more than counting. A series whose first sample is a failure tells Prometheus of
# no increase: those of failures are there from the first call on.
@cache
def _rpc_server(method: str, code: str) -> tuple[Counter, Histogram]:
    RPC_HANDLED.labels(method, "INTERNAL")
    RPC_SHED.labels(method)
    return RPC_HANDLED.labels(method, code), RPC_DURATION.labels(method)


@cache
def _rpc_client(source: str, destination: str, method: str, code: str) -> tuple[Counter, Histogram]:
    edge = (source, destination, method)
    for nothing_came in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
        RPC_ASKED.labels(*edge, nothing_came)
    return RPC_ASKED.labels(*edge, code), RPC_WAITED.labels(*edge)


@cache
def _http(method: str, route: str, code: int) -> tuple[Counter, Histogram]:
    return HTTP_HANDLED.labels(method, route, str(code)), HTTP_DURATION.labels(route)


class Words:
    """A bounded number of words for one label."""

    def __init__(self, most: int = MAX_WORDS) -> None:
        self._most, self._known = most, set[str]()

    def __call__(self, word: str) -> str:
        """The word itself, or `other` once there have been too many."""
        if word not in self._known and len(self._known) >= self._most:
            return "other"
        self._known.add(word)
        return word


def counted_rounds[**P, R](
    work: str,
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """For the method that does one round of what goes on unasked: counted and timed, its outcome passed on."""

    # A series whose first sample is a failure tells Prometheus of no increase: it has to be there before.
    for result in ("done", "waits", "failed"):
        ROUNDS.labels(work, result)

    def decorate(one_round: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        @wraps(one_round)
        async def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            began, result = time.perf_counter(), "failed"
            try:
                done = await one_round(*args, **kwargs)
                result = "done"
            except NotNow:
                result = "waits"
                raise
            except asyncio.CancelledError:
                result = "cancelled"
                raise
            finally:
                ROUNDS.labels(work, result).inc()
                ROUND_DURATION.labels(work).observe(time.perf_counter() - began)
            return done

        return counted

    return decorate


def batch_begun(batcher: str, items: Sequence[object], waiting: int) -> None:
    size, _, gauge = _batch(batcher)
    size.observe(len(items))
    gauge.set(waiting)


def batch_worked(batcher: str, took_s: float) -> None:
    _batch(batcher)[1].observe(took_s, exemplar())


@cache
def _batch(batcher: str) -> tuple[Histogram, Histogram, Gauge]:
    return BATCH_ITEMS.labels(batcher), BATCH_DURATION.labels(batcher), BATCH_WAITING.labels(batcher)
