"""The metrics pages of a running platform, read as values."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from services.kit.topology import Page, topology
from services.local.ports import service_port

TIMEOUT_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Edge:
    """Who called whom."""

    source: str
    destination: str


@dataclass(slots=True)
class Traffic:
    """What a page has counted of one edge since its process began."""

    # Status code → calls.
    codes: Counter[str] = field(default_factory=Counter)
    # Messages on long streams.
    messages: float = 0.0
    # Upper bound in seconds → calls that took no longer.
    within: Counter[float] = field(default_factory=Counter)


@dataclass(slots=True)
class Look:
    """All pages at one moment."""

    at: float
    edges: dict[Edge, Traffic] = field(default_factory=dict)
    # Service → the certificate of its process that ends first: since when, until when; (0, 0): none.
    certificates: dict[str, tuple[float, float]] = field(default_factory=dict)
    # Services whose page could not be read.
    silent: list[str] = field(default_factory=list)


def default_pages() -> Mapping[str, Sequence[str]]:
    """Where the pages of a local run are: the table's ports, or `<NAME>_METRICS_URL`, comma separated."""
    return {row.name: _pages_of(row.name, row.metrics) for row in topology().python_services if row.metrics}


def _pages_of(name: str, page: Page) -> Sequence[str]:
    named = os.environ.get(f"{name.upper().replace('-', '_')}_METRICS_URL")
    if named is not None:
        return named.split(",")
    return [f"http://localhost:{service_port(name, page.port)}{page.path}"]


async def look(pages: Mapping[str, Sequence[str]]) -> Look:
    """Each page read once, all at the same time."""
    found = Look(asyncio.get_running_loop().time())
    for name, text in await texts_of(pages):
        if text is None:
            found.silent.append(name)
        else:
            add_page(found, name, text)
    return found


async def texts_of(pages: Mapping[str, Sequence[str]]) -> Sequence[tuple[str, str | None]]:
    """Service and text of each page; None for one that could not be read."""
    of_all = [(name, url) for name, urls in pages.items() for url in urls]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(TIMEOUT_S)) as session:
        texts = await asyncio.gather(*(_read(session, url) for _, url in of_all))
    return [(name, text) for (name, _), text in zip(of_all, texts, strict=True)]


async def _read(session: aiohttp.ClientSession, url: str) -> str | None:
    try:
        async with session.get(url) as response:
            return await response.text() if response.status == 200 else None
    except (aiohttp.ClientError, TimeoutError):
        return None


def add_page(found: Look, service: str, text: str) -> None:
    """What one process tells, added to what others of its service did."""
    issued, expires = 0.0, 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            match sample.name:
                case "rpc_client_handled_total":
                    _traffic(found, sample.labels).codes[sample.labels["code"]] += int(sample.value)
                case "rpc_client_messages_total":
                    _traffic(found, sample.labels).messages += sample.value
                case "rpc_client_duration_seconds_bucket":
                    _traffic(found, sample.labels).within[float(sample.labels["le"])] += int(sample.value)
                case "identity_issued_timestamp_seconds":
                    issued = sample.value
                case "identity_expires_timestamp_seconds":
                    expires = sample.value
    known = found.certificates.get(service)
    if known is None or expires < known[1]:
        found.certificates[service] = (issued, expires)


def _traffic(found: Look, labels: Mapping[str, str]) -> Traffic:
    return found.edges.setdefault(Edge(labels["source"], labels["destination"]), Traffic())


def quantile(share: float, within: Iterable[tuple[float, float]]) -> float | None:
    """The time that so large a share of the calls stayed under, as Prometheus reckons it; None without any call."""
    bounds = sorted(within)
    total = bounds[-1][1] if bounds else 0
    if total <= 0:
        return None
    wanted, below, before = share * total, 0.0, 0.0
    for bound, count in bounds:
        if count >= wanted:
            if bound == float("inf"):
                return below
            return below + (bound - below) * (wanted - before) / (count - before)
        below, before = bound, count
    return below
