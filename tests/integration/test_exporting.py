"""Spans on their way to a collector: one that is there, one that comes late, none at all."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar

import pytest
from prometheus_client import REGISTRY

from services.kit import exporting, tracing
from services.kit.settings import ServiceSettings
from tests.otlp_collector import collecting
from tests.ports import free_port
from tests.waiting import until

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Told(ServiceSettings):
    service: ClassVar[str] = "gateway"


def told(port: int) -> Told:
    return Told(otel_exporter_otlp_endpoint=f"http://127.0.0.1:{port}", instance_id="gateway-0")


def span(name: str) -> None:
    with tracing.span(name, parent=SAMPLED):
        pass


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("tracing_spans_total", {"result": result}) or 0.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "EVERY_S", 0.05)


async def test_spans_come_to_the_collector_while_the_process_works_and_the_last_when_it_ends() -> None:
    port, before = free_port(), counted("sent")
    async with collecting(port) as collector:
        async with exporting.exporting(told(port)):
            span("first")
            await until(lambda: bool(collector.spans))
            span("last")
        names = [(one.service, one.name) for one in collector.spans]

    assert names == [("gateway", "first"), ("gateway", "last")]
    assert counted("sent") == before + 2


async def test_a_collector_that_comes_late_gets_what_waited() -> None:
    port = free_port()
    async with exporting.exporting(told(port)):
        span("early")
        await asyncio.sleep(0.3)
        async with collecting(port) as collector:
            await until(lambda: bool(collector.spans))

    assert [one.name for one in collector.spans] == ["early"]


async def test_without_a_collector_spans_are_dropped_and_counted_and_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporting, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(exporting, "LAST_S", 0.2)
    monkeypatch.setattr(exporting, "MOST_WAITING", 10)
    before, began = counted("dropped"), time.monotonic()
    async with exporting.exporting(told(free_port())):
        for _ in range(15):
            span("nowhere")
        await until(lambda: counted("dropped") == before + 15)
        span("at the end")

    assert counted("dropped") == before + 16
    assert time.monotonic() - began < 3


async def test_what_can_not_be_told_is_dropped_and_no_failure_of_whoever_did_it() -> None:
    port, before = free_port(), counted("dropped")
    async with collecting(port) as collector, exporting.exporting(told(port)):
        for value in ("half a \ud800", 2**70):
            with tracing.span("odd", parent=SAMPLED, attributes={"value": value}):
                pass
        span("plain")
        await until(lambda: bool(collector.spans))

    assert counted("dropped") == before + 2
    assert [one.name for one in collector.spans] == ["plain"]


async def test_without_an_endpoint_there_are_no_spans() -> None:
    async with exporting.exporting(Told(otel_exporter_otlp_endpoint="")):
        assert tracing.TRACING.tracer is None
