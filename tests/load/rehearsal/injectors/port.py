"""What an injector promises."""

from typing import Protocol

from tests.load.rehearsal.faults import Fault


class Injector(Protocol):
    async def inject(self, fault: Fault) -> None:
        """Make it happen, and undo it when its time is over; returns then. Others may be at work at the same time."""

    async def heal(self) -> None:
        """Undo what outlives its fault. May be called twice."""
