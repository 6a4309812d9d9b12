"""The table grants what the code calls: no more, and no less."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from services.kit.topology import topology

ROOT = Path(__file__).parents[2]
RPC = re.compile(r"^\s*rpc (\w+)", re.MULTILINE)
CALL = re.compile(r"\bstub\.(\w+)")


def methods_of(service: str) -> set[str]:
    return set(RPC.findall((ROOT / "protos" / f"{service}.proto").read_text()))


GRPC_SERVICES = [row for row in topology().python_services if "grpc" in row.ports]
CALLEE = {method: row.name for row in GRPC_SERVICES for method in methods_of(row.name)}


def test_a_method_belongs_to_one_service() -> None:
    counted = Counter(method for row in GRPC_SERVICES for method in methods_of(row.name))

    assert {method for method, count in counted.items() if count > 1} == set()


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
        for caller in callers
    }

    assert granted == called


def test_grants_stay_within_the_connection_matrix() -> None:
    for row in GRPC_SERVICES:
        for callers in row.granted.values():
            assert all(row.name in topology().services[caller].calls for caller in callers)
