"""Every metric the platform declares, read from the modules that declare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from services.kit.invariants import Gauges
from services.kit.topology import topology

EVERYWHERE: Final = "every service"
OPERATOR: Final = "operator"
_TYPES: Final = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}
# What the client library tells of any Python process on Linux.
LIBRARY: Final = frozenset(
    {
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_start_time_seconds",
        "process_open_fds",
        "process_max_fds",
        "python_gc_collections_total",
        "python_gc_objects_collected_total",
        "python_gc_objects_uncollectable_total",
        "python_info",
    }
)
# What Prometheus itself adds to every target.
TARGET: Final = frozenset({"up", "scrape_duration_seconds", "scrape_samples_scraped"})


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    type: str
    help: str
    labels: tuple[str, ...]

    @property
    def series(self) -> frozenset[str]:
        """The names under which Prometheus keeps it."""
        if self.type == "histogram":
            return frozenset({f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count"})
        return frozenset({self.name})


@cache
def declared() -> Mapping[str, Sequence[Metric]]:
    """By who has them: those of the kit first, then of each service in the order of the table, then the operator's."""
    found = {EVERYWHERE: [*_metrics_of("services.kit.metrics"), *_metrics_of("services.kit.invariants")]}
    for row in topology().python_services:
        rooms = [f"{row.module}.{room}" for room in ("metrics", "watch")]
        if metrics := [metric for room in rooms if find_spec(room) for metric in _metrics_of(room)]:
            found[row.name] = metrics
    return found | {OPERATOR: _metrics_of("ticketing_operator.metrics")}


def known_series() -> frozenset[str]:
    """Every name a query may use."""
    ours = (metric.series for metrics in declared().values() for metric in metrics)
    return LIBRARY.union(TARGET, *ours)


def _metrics_of(module: str) -> Sequence[Metric]:
    found: list[MetricWrapperBase] = []
    for value in vars(import_module(module)).values():
        if isinstance(value, MetricWrapperBase):
            found.append(value)
        elif isinstance(value, Gauges):
            found += value.metrics
    return [_metric(value) for value in found]


def _metric(value: MetricWrapperBase) -> Metric:
    (described,) = value.describe()
    kind = _TYPES[type(value)]
    name = f"{described.name}_total" if kind == "counter" else described.name
    return Metric(name, kind, described.documentation, tuple(value._labelnames))
