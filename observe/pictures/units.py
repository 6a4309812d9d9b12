"""Numbers as Grafana writes them, for the units that our panels have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final


def written(value: float, unit: str) -> str:
    """Raises KeyError for a unit that no panel has had so far."""
    return _UNITS[unit](value)


def _number(value: float) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def _seconds(value: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return f"{value * 1e6:.3g} µs" if value else "0 s"


def _bytes(value: float) -> str:
    for power, name in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if abs(value) >= 1024**power:
            return f"{value / 1024**power:.3g} {name}"
    return f"{value:.0f} B"


_UNITS: Final[Mapping[str, Callable[[float], str]]] = {
    "short": _number,
    "s": _seconds,
    "bytes": _bytes,
    "percentunit": lambda value: f"{value * 100:.3g} %",
    "ops": lambda value: f"{_number(value)} ops/s",
    "reqps": lambda value: f"{_number(value)} req/s",
}
