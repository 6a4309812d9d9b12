"""`python -m services mesh`: who calls whom right now, how often, how well, and with which certificate."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.kit.topology import topology
from services.local.watching.pages import Edge, Look, Traffic, default_pages, look, quantile

# What is not an answer; a refusal is one.
BROKEN: Final = ("INTERNAL", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED")
DAY_S: Final = 86_400.0
HOUR_S: Final = 3_600.0
NOBODY_ANSWERED: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An edge of the graph, over the time between two looks."""

    source: str
    destination: str
    calls_per_s: float
    messages_per_s: float
    errors_per_s: float
    # Of calls; None when there were none.
    p99_s: float | None
    # Of the caller's certificate; None when it shows none.
    age_s: float | None
    ends_in_s: float | None


def main(arguments: Sequence[str]) -> int:
    """0, or 2 when no page could be read."""
    options = _parser().parse_args(arguments)
    first, last = asyncio.run(_two_looks(_pages(options.page), options.seconds))
    if not last.certificates:
        sys.stderr.write("mesh: no metrics page answers; is the platform running?\n")
        return NOBODY_ANSWERED
    rows = graph(first, last, now=time.time())
    sys.stdout.write(_as_json(rows, last) if options.json else as_table(rows, last))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services mesh", description=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, default=5.0, metavar="S", help="between the two looks")
    parser.add_argument(
        *("--page", "-p"),
        action="append",
        default=[],
        metavar="SERVICE=URL",
        help="a metrics page, once for each pod; without any, those of a platform on this machine",
    )
    parser.add_argument("--json", action="store_true", help="for a program")
    return parser


def _pages(given: Sequence[str]) -> Mapping[str, Sequence[str]]:
    pages: dict[str, list[str]] = {}
    for one in given:
        name, _, url = one.partition("=")
        if name not in topology().services or not url:
            sys.exit(f"mesh: --page {one}: must be SERVICE=URL, with a service of the table")
        pages.setdefault(name, []).append(url)
    return pages or default_pages()


async def _two_looks(pages: Mapping[str, Sequence[str]], seconds: float) -> tuple[Look, Look]:
    first = await look(pages)
    if not first.certificates:
        return first, first
    await asyncio.sleep(max(0.1, seconds))
    return first, await look(pages)


def graph(first: Look, last: Look, *, now: float) -> Sequence[Row]:
    """The edges of the table and all others that were seen, busiest first."""
    of_table = {Edge(row.name, callee) for row in topology().python_services for callee in row.calls}
    span_s = max(0.001, last.at - first.at)
    rows = [_row(edge, first, last, span_s, now) for edge in of_table | set(last.edges)]
    return sorted(rows, key=lambda row: (-(row.calls_per_s + row.messages_per_s), row.source, row.destination))


def _row(edge: Edge, first: Look, last: Look, span_s: float, now: float) -> Row:
    before, after = first.edges.get(edge, Traffic()), last.edges.get(edge, Traffic())
    # A process that was started again begins at nought: what it has counted since is what there is.
    restarted = after.codes.total() < before.codes.total()
    codes = after.codes if restarted else Counter(after.codes) - before.codes
    within = {le: count - (0 if restarted else before.within[le]) for le, count in after.within.items()}
    issued, expires = last.certificates.get(edge.source, (0.0, 0.0))
    return Row(
        source=edge.source,
        destination=edge.destination,
        calls_per_s=codes.total() / span_s,
        messages_per_s=max(0.0, after.messages - before.messages) / span_s,
        errors_per_s=sum(codes[code] for code in BROKEN) / span_s,
        p99_s=quantile(0.99, within.items()),
        age_s=now - issued if expires else None,
        ends_in_s=expires - now if expires else None,
    )


def as_table(rows: Sequence[Row], seen: Look) -> str:
    lines = [("caller", "", "callee", "calls/s", "messages/s", "errors/s", "p99", "caller's certificate")]
    lines += [
        (
            *(row.source, "→", row.destination),
            *(f"{row.calls_per_s:.1f}", f"{row.messages_per_s:.1f}", f"{row.errors_per_s:.1f}"),
            *("" if row.p99_s is None else f"{row.p99_s * 1000:.0f} ms", _certificate(row)),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    text += [f"! {name} does not tell" for name in sorted(set(seen.silent))]
    return "\n".join(text) + "\n"


def _certificate(row: Row) -> str:
    if row.age_s is None or row.ends_in_s is None:
        return "none"
    return f"{_span(row.age_s)} old, ends in {_span(row.ends_in_s)}" if row.ends_in_s > 0 else "expired"


def _span(seconds: float) -> str:
    if seconds >= 2 * DAY_S:
        return f"{seconds / DAY_S:.0f} d"
    return f"{seconds / HOUR_S:.0f} h" if seconds >= HOUR_S else f"{seconds / 60:.0f} min"


def _as_json(rows: Sequence[Row], seen: Look) -> str:
    def fields(row: Row) -> dict[str, Any]:
        return {name: getattr(row, name) for name in Row.__slots__}

    return json.dumps({"edges": [fields(row) for row in rows], "silent": sorted(set(seen.silent))}, indent=2) + "\n"
