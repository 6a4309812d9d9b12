"""What must be there before it is counted is there."""

from prometheus_client import REGISTRY

from services.kit import metrics


def test_a_calls_failures_are_series_before_the_first_of_them() -> None:
    metrics.rpc_asked("booking", "ticket", "m", "OK", 0.01)
    metrics.rpc_handled("m", "OK", 0.01)

    edge = {"source": "booking", "destination": "ticket", "method": "m"}
    codes = ("OK", "UNAVAILABLE", "DEADLINE_EXCEEDED")
    asked = [REGISTRY.get_sample_value("rpc_client_handled_total", edge | {"code": code}) for code in codes]
    assert asked == [1, 0, 0]
    assert REGISTRY.get_sample_value("rpc_server_handled_total", {"method": "m", "code": "INTERNAL"}) == 0
    assert REGISTRY.get_sample_value("rpc_server_shed_total", {"method": "m"}) == 0
