"""The time, as an argument: handlers take a Clock, so that tests can say what time it is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

type Clock = Callable[[], datetime]

_wrong_by = timedelta()


def utc_now() -> datetime:
    return datetime.now(UTC) + _wrong_by


def run_wrong(by_s: float) -> None:
    """From now on this process's clock is wrong by that much, as on a machine that nobody sets: for rehearsals."""
    global _wrong_by
    _wrong_by = timedelta(seconds=by_s)
