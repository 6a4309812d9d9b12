"""A fact: something that is true, said once by the service that made it true."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Burial:
    """Why a fact lies in a dead-letter topic, and where it lay before."""

    reason: str
    # The consumer group that could not handle it; others may have.
    group: str
    topic: str
    partition: int
    offset: int
    tries: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One message of a topic."""

    # Unique; consumers remember it to be idempotent.
    id: str
    topic: str
    # The aggregate's id: facts of one key arrive in their order.
    key: str
    # Full name of the protobuf message in `body`.
    type: str
    body: bytes
    time: datetime
    traceparent: str = ""
    # In a dead-letter topic only.
    burial: Burial | None = None


type Handle = Callable[[Sequence[Fact]], Awaitable[None]]


class Publisher(Protocol):
    async def publish(self, facts: Sequence[Fact]) -> None:
        """Send all, in order per key, and return when the bus has them for good.

        Raises NotNow when it may not have all of them; sending them again then may repeat some.
        """


class Consumer(Protocol):
    async def run(self, handle: Handle) -> None:
        """Give batches to `handle` in order per key, at least once each, for as long as the process lives.

        A batch counts as done when `handle` returns. NotNow from it: the same facts again later. Any other exception:
        its facts one by one, and what still fails after a few tries goes to the dead-letter topic with its Burial
        and all it came with. That happens twice when the consumer dies before it has told the broker.
        """
