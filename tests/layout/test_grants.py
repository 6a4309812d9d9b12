"""The table grants what the code calls: no more, and no less. What many services serve is for people's tools alone."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from services.kit.topology import SUPPORT, topology

ROOT = Path(__file__).parents[2]
RPC = re.compile(r"^\s*rpc (\w+)", re.MULTILINE)
CALL = re.compile(r"\bstub\.(\w+)")


def methods_of(service: str) -> set[str]:
    return set(RPC.findall((ROOT / "protos" / f"{service}.proto").read_text()))


GRPC_SERVICES = [row for row in topology().python_services if "grpc" in row.ports]
SERVED = Counter(method for row in GRPC_SERVICES for method in methods_of(row.name))
CALLEE = {method: row.name for row in GRPC_SERVICES for method in methods_of(row.name) if SERVED[method] == 1}


def test_grants_are_what_is_called() -> None:
    called = {
        (row.name, CALLEE[method], method)
        for row in topology().python_services
        for source in (ROOT / row.folder).rglob("*.py")
        for method in CALL.findall(source.read_text())
    }
    granted = {
        (caller, row.name, method)
        for row in GRPC_SERVICES
        for method, callers in row.granted.items()
        for caller in callers - {SUPPORT}
    }

    assert granted == called


def test_grants_stay_within_the_connection_matrix() -> None:
    for row in GRPC_SERVICES:
        for callers in row.granted.values():
            assert all(row.name in topology().services[caller].calls for caller in callers - {SUPPORT})


def test_who_looks_after_the_platform_may_call_what_the_tools_do_and_nothing_that_acts_for_a_buyer() -> None:
    supported = {(row.name, method) for row in GRPC_SERVICES for method, who in row.granted.items() if SUPPORT in who}
    tools = {
        method for source in (ROOT / "services" / "local").rglob("*.py") for method in CALL.findall(source.read_text())
    }

    assert tools <= {method for _, method in supported}
    acting = ("Cancel", "Create", "Confirm", "Delete", "Pay", "Refund", "Release", "Reserve", "Update", "Vouch")
    assert not [method for _, method in supported if method.startswith(acting)]
