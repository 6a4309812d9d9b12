"""The slow beat: every platform is woken once a minute, and now and then everything is listed anew."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from ticketing_operator import metrics
from ticketing_operator.children import Children
from ticketing_operator.cluster import Cluster, list_all
from ticketing_operator.kinds import Access
from ticketing_operator.settings import OperatorSettings
from ticketing_operator.transport import Refused, Unanswered
from ticketing_operator.wakeups import Wakeups

FIRST_RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 30.0
log = structlog.get_logger()


@dataclass(slots=True)
class Resync:
    cluster: Cluster
    children: Children
    wakeups: Wakeups
    watched: Sequence[Access]
    settings: OperatorSettings
    clock: Callable[[], float]
    _finished: float = field(init=False)

    def __post_init__(self) -> None:
        self._finished = self.clock()

    @property
    def too_old_s(self) -> float:
        return 3 * self.settings.resync_s + LONGEST_RETRY_S

    def age_s(self) -> float:
        return self.clock() - self._finished

    async def run(self) -> None:
        """Forever. Nobody is looked at before the first list is complete: half a picture would be taken for drift."""
        listed = await self._list_until_answered()
        while True:
            for key in self.children.platforms():
                self.wakeups.wake(key)
            self._finished = self.clock()
            metrics.RESYNC_AGE.set_function(self.age_s)
            await asyncio.sleep(self.settings.resync_s)
            if self.clock() - listed > self.settings.relist_s:
                listed = await self._list_until_answered()

    async def _list_until_answered(self) -> float:
        delay = FIRST_RETRY_S
        while True:
            try:
                await self.list()
                return self.clock()
            except (Refused, Unanswered) as fault:
                log.warning("list-failed", reason=str(fault), again_in_s=delay)
                await asyncio.sleep(delay)
                delay = min(LONGEST_RETRY_S, delay * 2)

    async def list(self) -> None:
        """Ask for everything there is, and forget what is gone."""
        for access in self.watched:
            before = self.children.known()
            items = await list_all(self.cluster, access, self.settings.namespaces)
            self.children.listed(access.kind, items, known_before=before)
