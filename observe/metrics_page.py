"""Writes docs/metrics.md: `python -m observe.metrics_page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from observe.inventory import EVERYWHERE, LIBRARY, Metric, declared

PAGE: Final = Path(__file__).parents[1] / "docs" / "metrics.md"
HEAD: Final = """\
# Metrics

Made by `make docs` from the modules that declare them (`services/*/metrics.py`, `services/kit/metrics.py`, the
operator's own); a test fails when it is not fresh. Ports and paths are in [`topology.yaml`](../topology.yaml). Base
units, seconds and bytes; no label names a user, a booking or a seat. Asked for OpenMetrics, a page carries
exemplars with trace ids.
"""


def page() -> str:
    return "\n".join([HEAD, *_sections()])


def _sections() -> Iterator[str]:
    for owner, metrics in declared().items():
        yield f"## {owner.capitalize() if owner == EVERYWHERE else owner}\n"
        yield "| metric | type | labels | what it says |"
        yield "|---|---|---|---|"
        yield from map(_row, metrics)
        yield ""
    yield "## The client library\n"
    yield ", ".join(f"`{name}`" for name in sorted(LIBRARY)) + "\n"


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
    return f"| `{metric.name}` | {metric.type} | {labels} | {metric.help} |"


if __name__ == "__main__":
    PAGE.write_text(page())
