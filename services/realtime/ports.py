"""What realtime needs of the store that its instances share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.realtime.domain import Cursor, Delivered, Line, UserMessage
from services.realtime.rooms import Broadcast


@dataclass(frozen=True, slots=True)
class Cluster:
    """All instances together, as each last reported."""

    instances: int
    connections: int


class Exchange(Protocol):
    """Inboxes and channels. Raises NotNow while the store is away; every call may be repeated."""

    async def deliver(self, messages: Sequence[UserMessage]) -> Sequence[bool]:
        """Put each that is new into its user's inbox and send it to every instance, in this order.

        A message with a dedupe key is new once; one that is complete is new also after one that was not.
        """

    async def broadcast(self, messages: Sequence[Broadcast]) -> None:
        """To the rooms of every instance."""

    async def missed(self, user_id: str, after: Cursor) -> Sequence[Delivered]:
        """What the user was told after that place, oldest first, as far back as the inbox goes."""

    async def newest(self, user_id: str) -> Cursor:
        """The last place in the user's inbox."""

    async def line(self, event_id: str) -> Line | None:
        """How far the queue of an event is; None when it has none."""

    async def report(self, instance_id: str, *, connections: int) -> None:
        """Counts in `cluster` for a short while."""

    async def cluster(self) -> Cluster: ...
