"""How long a process that died waits before it is started again."""

from typing import Final

FIRST_S: Final = 1.0
LONGEST_S: Final = 15.0
STEADY_S: Final = 30.0


def next_delay_s(previous_s: float | None, *, uptime_s: float) -> float:
    """Doubles up to a bound; a process that ran steadily has earned a fresh start."""
    if previous_s is None or uptime_s >= STEADY_S:
        return FIRST_S
    return min(previous_s * 2, LONGEST_S)
