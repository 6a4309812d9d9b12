"""How many requests are at work at once. Of too many some are turned away, or all would be answered too late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.gateway import metrics
from services.kit.errors import Overloaded


class Places:
    """Health and pages take none: a busy door is not a closed one."""

    def __init__(self, most: int) -> None:
        self._most, self._taken = most, 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One of the places, for as long as the block lasts. Raises Overloaded when there is none."""
        if self._taken >= self._most:
            metrics.SHED.inc()
            raise Overloaded("the gateway")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
