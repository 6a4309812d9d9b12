"""The graph of who calls whom, from the services' own pages."""

from __future__ import annotations

from prometheus_client import generate_latest

from services.kit import metrics
from services.local.watching.mesh import as_table, graph
from services.local.watching.pages import Edge, Look, add_page, quantile

HOUR_S = 3600.0
NOW = 1_000_000.0


def page(calls: int, broken: int = 0, messages: int = 0, *, expires: float = 0.0) -> str:
    to = 'source="booking-worker",destination="booking",method="booking.BookingService/CancelBooking"'
    return f"""
# TYPE rpc_client_handled counter
rpc_client_handled_total{{{to},code="OK"}} {calls}
rpc_client_handled_total{{{to},code="NOT_FOUND"}} 1
rpc_client_handled_total{{{to},code="UNAVAILABLE"}} {broken}
# TYPE rpc_client_messages counter
rpc_client_messages_total{{{to}}} {messages}
# TYPE rpc_client_duration_seconds histogram
rpc_client_duration_seconds_bucket{{{to},le="0.1"}} 0
rpc_client_duration_seconds_bucket{{{to},le="0.5"}} {calls}
rpc_client_duration_seconds_bucket{{{to},le="+Inf"}} {calls}
# TYPE identity_issued_timestamp_seconds gauge
identity_issued_timestamp_seconds {NOW - HOUR_S if expires else 0}
# TYPE identity_expires_timestamp_seconds gauge
identity_expires_timestamp_seconds {expires}
"""


def seen(at: float, *pages: str) -> Look:
    look = Look(at)
    for text in pages:
        add_page(look, "booking-worker", text)
    return look


def test_an_edge_is_what_happened_between_two_looks() -> None:
    first, last = seen(10.0, page(100)), seen(20.0, page(150, broken=20, messages=30, expires=NOW + 5 * HOUR_S))

    row = graph(first, last, now=NOW)[0]

    assert (row.source, row.destination) == ("booking-worker", "booking")
    assert row.calls_per_s == 7.0
    assert row.errors_per_s == 2.0
    assert row.messages_per_s == 3.0
    assert (row.age_s, row.ends_in_s) == (HOUR_S, 5 * HOUR_S)
    assert row.p99_s is not None
    assert 0.1 < row.p99_s < 0.5


def test_pods_of_a_service_are_one_caller_and_its_worst_certificate_counts() -> None:
    pods = page(10, expires=NOW + 9 * HOUR_S), page(20, expires=NOW + HOUR_S)

    row = graph(seen(0.0), seen(10.0, *pods), now=NOW)[0]

    assert row.calls_per_s == 3.2
    assert row.ends_in_s == HOUR_S


def test_a_process_that_began_again_has_not_called_less_than_never() -> None:
    row = graph(seen(0.0, page(1000)), seen(10.0, page(20)), now=NOW)[0]

    assert row.calls_per_s == 2.1


def test_every_edge_of_the_table_is_there_and_who_is_silent_is_named() -> None:
    last = seen(1.0, page(1))
    last.silent.append("email-worker")

    table = as_table(graph(seen(0.0), last, now=NOW), last)

    assert any(line.split()[:3] == ["gateway", "→", "auth"] for line in table.splitlines())
    assert "! email-worker does not tell" in table


def test_a_quantile_is_reckoned_as_prometheus_does() -> None:
    assert quantile(0.5, [(1.0, 50), (2.0, 100), (float("inf"), 100)]) == 1.0
    assert quantile(0.75, [(1.0, 50), (2.0, 100), (float("inf"), 100)]) == 1.5
    assert quantile(0.99, [(1.0, 50), (float("inf"), 100)]) == 1.0
    assert quantile(0.5, []) is None


def test_the_page_that_a_service_shows_is_read() -> None:
    edge = Edge("gateway", "payment")
    metrics.rpc_asked(edge.source, edge.destination, "payment.PaymentService/GetPayment", "OK", 0.02)
    look = Look(0.0)

    add_page(look, "gateway", generate_latest().decode())

    assert look.edges[edge].codes["OK"] >= 1
    assert quantile(0.99, look.edges[edge].within.items()) is not None
    assert "gateway" in look.certificates
