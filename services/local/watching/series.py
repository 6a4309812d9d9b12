"""How many series Prometheus would have to keep of a running platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from services.local.watching.pages import default_pages, texts_of


class PageSilent(RuntimeError):
    """A metrics page could not be read, so nobody knows how many there are."""


async def count_series(pages: Mapping[str, Sequence[str]] | None = None) -> Mapping[str, int]:
    """Of each service, all its processes together; of the local run unless told where. Raises PageSilent."""
    counted: Counter[str] = Counter()
    for service, text in await texts_of(default_pages() if pages is None else pages):
        if text is None:
            raise PageSilent(f"the metrics page of {service} does not answer")
        counted[service] += sum(bool(line) and not line.startswith("#") for line in text.splitlines())
    return counted
