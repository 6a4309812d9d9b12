"""What may go wrong between a booking process, its peers, its store and the PSP: one fault at a numbered point."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from services.kit.errors import DependencyDown, Told
from services.kit.rpc import deadline
from services.kit.rpc.status import told

# Of a message: what may become of it, or of the process that sends it.
MESSAGE_FAULTS = ("request-lost", "reply-lost", "doubled", "delayed", "crash-before", "crash-after", "frozen")
# Of a transaction that writes.
WRITE_FAULTS = ("not-committed", "reply-lost", "crash-before", "crash-after")
# Between payment and its PSP.
PSP_FAULTS = ("request-lost", "reply-lost", "doubled", "delayed")
# Longer than a process may be silent before another one takes over what it had.
LONG_S = 25.0

type Work[T] = Callable[[], Awaitable[T]]


class Process:
    """A life of a process. One that died does nothing any more, whatever its tasks were at."""

    def __init__(self, name: str) -> None:
        self.name, self.alive, self.frozen_until = name, True, 0.0

    async def breathe(self) -> None:
        """Passes while it lives; not while it is frozen, and never once it is dead."""
        loop = asyncio.get_running_loop()
        if self.alive and loop.time() < self.frozen_until:
            await asyncio.sleep(self.frozen_until - loop.time())
        if not self.alive:
            await loop.create_future()

    async def die(self) -> None:
        self.alive = False
        await self.breathe()

    async def freeze(self) -> None:
        self.frozen_until = asyncio.get_running_loop().time() + LONG_S
        await self.breathe()


@dataclass
class Faults:
    """Which point meets which fault; counts the points of each kind as they are passed."""

    planned: Mapping[tuple[str, int], str] = field(default_factory=dict)
    passed: dict[str, int] = field(default_factory=dict)
    # What else happens when a point is passed, in the world outside.
    meanwhile: Mapping[tuple[str, int], Callable[[], object]] = field(default_factory=dict)
    # What was sent and written, for whoever has to understand a failure.
    story: list[str] = field(default_factory=list)
    tasks: set[asyncio.Future[Any]] = field(default_factory=set)

    def next(self, kind: str, what: str) -> str:
        number = self.passed[kind] = self.passed.get(kind, 0) + 1
        fault = self.planned.get((kind, number), "")
        self.story.append(f"{asyncio.get_running_loop().time():7.2f} {kind} {number} {what} {fault}")
        if (kind, number) in self.meanwhile:
            self.meanwhile[kind, number]()
        return fault

    def later(self, work: Work[Any]) -> None:
        """A message that comes long after its sender stopped waiting for an answer."""

        async def deliver() -> None:
            await asyncio.sleep(LONG_S)
            with suppress(Told):
                await work()

        task = asyncio.ensure_future(deliver())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class WiredPeer:
    """A service's servicer as booking's clients meet it through `Peer`, with the network between."""

    def __init__(self, name: str, servicer: Any, sender: Process, faults: Faults) -> None:
        self.name, self.stub = name, servicer
        self._sender, self._faults = sender, faults

    async def call(
        self, method: Callable[..., Awaitable[Any]], request: Any, *, timeout_s: float = deadline.DEFAULT_TIMEOUT_S
    ) -> Any:
        await self._sender.breathe()
        fault = self._faults.next("message", method.__name__)
        try:
            async with asyncio.timeout(timeout_s if fault != "frozen" else None):
                reply = await self._sent(fault, lambda: _answered(method, request))
        except TimeoutError:
            raise DependencyDown(self.name) from None
        await self._sender.breathe()
        return reply

    async def _sent(self, fault: str, work: Work[Any]) -> Any:
        match fault:
            case "request-lost":
                raise DependencyDown(self.name)
            case "delayed":
                self._faults.later(work)
                raise DependencyDown(self.name)
            case "crash-before":
                await self._sender.die()
            case "frozen":
                await self._sender.freeze()
        reply = await work()
        match fault:
            case "reply-lost":
                raise DependencyDown(self.name)
            case "doubled":
                return await work()
            case "crash-after":
                await self._sender.die()
        return reply


async def _answered(method: Callable[..., Awaitable[Any]], request: Any) -> Any:
    """As it comes over the wire: a refusal with its kind and reason, and nothing else of it."""
    copied = type(request).FromString(request.SerializeToString())
    try:
        return await method(copied, None)
    except Told as said:
        raise told(said.kind, said.reason, str(said), said.retry_after_s) from None
