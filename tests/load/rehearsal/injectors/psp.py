"""The sandbox PSP on a bad day, over its own page for that."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

import aiohttp

from tests.load.rehearsal.faults import Fault

# An order lasts this long, and is given again more often: a payment service that is killed comes back healthy.
ORDERED_S: Final = 2.0
AGAIN_S: Final = 0.5
TIMEOUT: Final = aiohttp.ClientTimeout(total=2.0)


class Psp:
    """Faults that overlap add up to the worst of each."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/sandbox/faults"
        self._ordered: list[Fault] = []

    async def inject(self, fault: Fault) -> None:
        self._ordered.append(fault)
        try:
            async with asyncio.timeout(fault.lasts_s), aiohttp.ClientSession(timeout=TIMEOUT) as session:
                while True:
                    await self._order(session)
                    await asyncio.sleep(AGAIN_S)
        except TimeoutError:
            return
        finally:
            self._ordered.remove(fault)

    async def _order(self, session: aiohttp.ClientSession) -> None:
        worst: Counter[str] = Counter()
        for fault in self._ordered:
            worst |= Counter(fault.details)
        try:
            async with session.put(self._url, json={"for_s": ORDERED_S, **worst}) as answer:
                if answer.status >= 400:
                    raise RuntimeError(f"the sandbox refuses {worst}: {await answer.text()}")
        except (aiohttp.ClientError, TimeoutError):
            return  # Killed or frozen: asked again in a moment.

    async def heal(self) -> None:
        """Orders end by themselves."""
        await asyncio.sleep(ORDERED_S)
