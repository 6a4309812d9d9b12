"""A mail server in memory: one lane that keeps what it is given, and may be told to refuse."""

from __future__ import annotations

import asyncio

from services.email_worker.ports import Letter


class MemoryLane:
    def __init__(self) -> None:
        self.taken: list[Letter] = []
        # Raised instead of taking, first one first.
        self.refusals: list[Exception] = []
        # Clear it, and the server keeps its sender waiting for its word.
        self.answering = asyncio.Event()
        self.answering.set()
        self.reached = asyncio.Event()

    async def deliver(self, letter: Letter) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.reached.set()
        await self.answering.wait()
        self.taken.append(letter)

    async def close(self) -> None:
        pass
