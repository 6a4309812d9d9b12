"""Metrics that every service has: rate, errors and duration of calls, requests and consumed facts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

RPC_HANDLED: Final = Counter(
    "rpc_server_handled_total", "gRPC calls answered, by method and status code.", ["method", "code"]
)
RPC_DURATION: Final = Histogram(
    "rpc_server_duration_seconds", "Time to answer a gRPC call.", ["method"], buckets=_BUCKETS
)
RPC_DENIED: Final = Counter("rpc_server_denied_total", "gRPC calls refused for who made them.", ["method", "source"])
RPC_SHED: Final = Counter("rpc_server_shed_total", "gRPC calls turned away because too many were at work.", ["method"])
HTTP_HANDLED: Final = Counter("http_server_requests_total", "HTTP requests answered.", ["method", "route", "code"])
HTTP_DURATION: Final = Histogram(
    "http_server_duration_seconds", "Time to answer an HTTP request.", ["route"], buckets=_BUCKETS
)
FACTS_CONSUMED: Final = Counter(
    "facts_consumed_total", "Kafka messages handled, by topic and result.", ["topic", "result"]
)
FACTS_PUBLISHED: Final = Counter("facts_published_total", "Kafka messages sent, by topic.", ["topic"])
OUTBOX_WAITING: Final = Gauge("outbox_waiting", "Rows of the outbox that were not sent yet, as last read.")
DEPENDENCY_UP: Final = Gauge("dependency_up", "1 while a store or peer answers its check, else 0.", ["dependency"])


def rpc_handled(method: str, code: str, took_s: float) -> None:
    RPC_HANDLED.labels(method, code).inc()
    RPC_DURATION.labels(method).observe(took_s)


def http_handled(method: str, route: str, code: int, took_s: float) -> None:
    HTTP_HANDLED.labels(method, route, str(code)).inc()
    HTTP_DURATION.labels(route).observe(took_s)
