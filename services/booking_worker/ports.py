"""What the worker needs of the queue, of booking and of realtime."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from services.booking_worker.domain import Backlog, Claimed, Decided, Entry, Outcome, Verdict


class Queue(Protocol):
    """The lines in Redis. Raises NotNow while it is away; every call may be repeated."""

    async def survey(self) -> Sequence[Backlog]:
        """The events that have orders without an outcome."""

    async def alive(self) -> int:
        """Say that this worker lives; how many do."""

    async def arrive(self) -> None:
        """Said once, at the start: for as long as a lease lasts, `lease` also takes what an earlier life of us has."""

    async def lease(self, event_ids: Sequence[str]) -> Collection[str]:
        """Those that nobody else had are ours for a while, and their streams can be read."""

    async def renew(self, event_ids: Sequence[str]) -> Collection[str]:
        """Those that are still ours, for another while."""

    async def release(self, event_ids: Sequence[str]) -> None:
        """Those that are ours are anybody's again."""

    async def claim(self, event_id: str, *, idle_s: float = 0, taken_over: bool = False) -> Claimed:
        """Entries that were read that long ago and have no outcome; none when the lease is not ours.

        `taken_over`: another worker had them. One that many have died over comes alone.
        """

    async def read(self, event_ids: Sequence[str], *, count: int, at_most: int) -> Sequence[Entry]:
        """New entries, in order per event, at most `count` of each.

        None of an event whose lease is not ours. When it raises NotNow, some may have been read all the same.
        """

    async def wait(self) -> None:
        """After a read that found nothing: until there is something, or a moment."""

    async def cancelled(self, booking_ids: Sequence[str]) -> Collection[str]:
        """Those whose buyer does not want them any more."""

    async def settle(self, verdicts: Mapping[str, Sequence[Verdict]], served: Mapping[str, int]) -> None:
        """By event: these entries leave the line for good, and all up to `served` have left. All or none."""

    async def last_numbers(self, event_ids: Sequence[str]) -> Sequence[int]: ...

    async def goodbye(self) -> None:
        """This worker lives no more."""


class Bookings(Protocol):
    """booking, but for the stream of orders."""

    async def cancel(self, entry: Entry) -> Outcome | None:
        """Cancel a booking its buyer does not want. None: it stays as it is."""

    async def known(self, entry: Entry) -> bool:
        """Whether booking has ever heard of the order. Raises NotNow."""


class Orders(Protocol):
    """The stream of orders; outcomes come back in any order."""

    def submit(self, entries: Sequence[Entry]) -> None:
        """Send these, after what was submitted before."""

    def forget(self, booking_ids: Collection[str]) -> None:
        """Nobody waits for these any more."""


class Buyers(Protocol):
    """realtime."""

    async def tell(self, results: Sequence[tuple[Entry, Decided]]) -> None:
        """What became of their orders. Raises Told when it could not be said."""

    async def tell_position(self, event_id: str, *, now_serving: int, last_number: int) -> None: ...
