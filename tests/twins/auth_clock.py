"""A clock that goes when told to."""

from datetime import UTC, datetime, timedelta


class VirtualClock:
    def __init__(self) -> None:
        # From the present on, for the verifier of tokens reads the real clock.
        self.at = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
