"""Bad days of the sandbox, to order: what a real PSP does now and then, for as long as somebody asks for it."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom
from typing import Final

MAX_S: Final = 600.0
MAX_SLOW_S: Final = 60.0
MAX_COPIES: Final = 5
_DICE: Final = SystemRandom()


class Fate(enum.Enum):
    """What becomes of one call."""

    ANSWERED = "answered"
    # It never reaches the PSP, and nobody says so.
    UNANSWERED = "unanswered"
    # It takes place, and the answer comes when nobody waits any more.
    ANSWERED_LATE = "answered_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How the sandbox misbehaves. The default is a good day. Raises ValueError when a bound is broken."""

    # Every answer takes so many seconds longer; longer than the caller waits is `answered_late` for all.
    slow_s: float = 0.0
    # Shares of the calls, 0 to 1.
    unanswered: float = 0.0
    answered_late: float = 0.0
    # How often each webhook is sent, and by how much each copy is late at most: by chance, so they overtake each other.
    webhook_copies: int = 1
    webhook_delay_s: float = 0.0

    def __post_init__(self) -> None:
        bounds = {
            "slow_s": (self.slow_s, 0, MAX_SLOW_S),
            "unanswered": (self.unanswered, 0, 1),
            "answered_late": (self.answered_late, 0, 1),
            "unanswered and answered_late together": (self.unanswered + self.answered_late, 0, 1),
            "webhook_copies": (self.webhook_copies, 1, MAX_COPIES),
            "webhook_delay_s": (self.webhook_delay_s, 0, MAX_S),
        }
        for name, (value, least, most) in bounds.items():
            if not least <= value <= most:
                raise ValueError(f"{name}: must be {least} to {most:g}")


NONE: Final = Faults()


class FaultDesk:
    """Where faults are ordered, and looked up. They end by themselves, and with the process."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = _DICE.random,
    ) -> None:
        self._clock, self._dice = clock, dice
        self._faults, self._until = NONE, 0.0

    @property
    def now(self) -> Faults:
        return self._faults if self._clock() < self._until else NONE

    @property
    def left_s(self) -> float:
        return max(0.0, self._until - self._clock())

    def order(self, faults: Faults, *, for_s: float) -> None:
        """In the place of what was ordered before. Raises ValueError when `for_s` is out of bounds."""
        if not 0 < for_s <= MAX_S:
            raise ValueError(f"for_s: must be more than 0, up to {MAX_S:g}")
        self._faults, self._until = faults, self._clock() + for_s

    def clear(self) -> None:
        self._until = 0.0

    def fate(self) -> Fate:
        """Drawn for one call."""
        faults, drawn = self.now, self._dice()
        if drawn < faults.unanswered:
            return Fate.UNANSWERED
        return Fate.ANSWERED_LATE if drawn < faults.unanswered + faults.answered_late else Fate.ANSWERED

    def webhook_delays(self) -> list[float]:
        """One for each copy of a webhook."""
        faults = self.now
        return [faults.webhook_delay_s * self._dice() for _ in range(faults.webhook_copies)]
