"""What a Prometheus answers to the queries of a panel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any, Final

import aiohttp

from observe.panels import NAMESPACE, WINDOW

TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
# Four scrapes of a local run: Grafana would choose about the same.
_WINDOW: Final = "8s"
_IN_LEGEND: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is looked at, in seconds since the epoch."""

    begin: float
    end: float
    step: float

    @property
    def moments(self) -> Sequence[float]:
        return [self.begin + self.step * number for number in range(int((self.end - self.begin) / self.step) + 1)]


@dataclass(frozen=True, slots=True)
class Series:
    labels: Mapping[str, str]
    # Unix times, and the value at each.
    points: Sequence[tuple[float, float]]

    def called(self, legend: str) -> str:
        """The legend with this series' labels in it."""
        return _IN_LEGEND.sub(lambda found: self.labels.get(found[1], ""), legend).strip()

    def along(self, span: Span) -> Sequence[float]:
        """A value for each moment; not a number where there was none."""
        known = {round((at - span.begin) / span.step): value for at, value in self.points}
        return [known.get(number, nan) for number in range(len(span.moments))]

    @property
    def last(self) -> float:
        return self.points[-1][1]


class Prometheus:
    def __init__(self, web: aiohttp.ClientSession, url: str) -> None:
        self._web, self._url = web, url

    async def over(self, expr: str, span: Span) -> Sequence[Series]:
        """Every series of the answer over that time, without the points that are no numbers."""
        asked = {"start": f"{span.begin}", "end": f"{span.end}", "step": f"{span.step}"}
        found = await self._ask("query_range", expr, asked)
        return [some for one in found if (some := _series(one["metric"], one["values"])).points]

    async def at(self, expr: str, time: float) -> Sequence[Series]:
        """Every series of the answer at that moment."""
        found = await self._ask("query", expr, {"time": f"{time}"})
        return [some for one in found if (some := _series(one["metric"], [one["value"]])).points]

    async def _ask(self, what: str, expr: str, more: Mapping[str, str]) -> Sequence[Any]:
        query = expr.replace(WINDOW, _WINDOW).replace(NAMESPACE, ".*")
        params = {"query": query, **more}
        async with self._web.get(f"{self._url}/api/v1/{what}", params=params, timeout=TIMEOUT) as response:
            answer = await response.json()
        if answer["status"] != "success":
            raise ValueError(f"{query}: {answer.get('error')}")
        result: Sequence[Any] = answer["data"]["result"]
        return result


def _series(labels: Mapping[str, str], values: Sequence[tuple[float, str]]) -> Series:
    points = [(at, float(value)) for at, value in values]
    return Series(labels, [(at, value) for at, value in points if isfinite(value)])
