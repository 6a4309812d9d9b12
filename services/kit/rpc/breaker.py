"""Circuit breaking: a peer of which nothing comes back is left alone for a moment, then tried with one call.

Pods are left out one by one by the channel (channels.py). This is for when that does not help: all of them are away or
hang, and each call would only wait for its deadline, and be one more thing for them to do when they come back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from services.kit import metrics
from services.kit.errors import DependencyDown

# Failures are counted for so long, and then anew.
WINDOW_S: Final = 5.0
# So many, and at least half of the calls.
FAILURES: Final = 20
# The first pause, doubled each time the trial fails, and the longest. A peer that starts takes a second or two.
PAUSE_S: Final = 0.5
LONGEST_S: Final = 4.0
log = structlog.get_logger()


class CircuitOpen(DependencyDown):
    """The peer is left alone; nothing was sent."""

    def __init__(self, peer: str, *, retry_after_s: float) -> None:
        super().__init__(peer)
        self.retry_after_s = retry_after_s


class Breaker:
    """Of one caller for one destination. Closed: calls go. Open: none. After the pause one goes, and decides."""

    def __init__(self, source: str, destination: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._destination, self._clock = destination, clock
        self._calls = self._failures = 0
        self._window_ends = 0.0
        # 0: closed. Else the pause, and until when it lasts.
        self._pause_s = self._until = 0.0
        self._on_trial = False
        self._open = metrics.RPC_CIRCUIT_OPEN.labels(source, destination)
        self._kept_back = metrics.RPC_CIRCUIT_REFUSED.labels(source, destination)

    def admit(self) -> bool:
        """Whether the call is the trial. Raises CircuitOpen when it must not be made.

        Each call that was admitted has to be followed by `answered`, `failed` or `left`.
        """
        if not self._pause_s:
            return False
        wait_s = self._until - self._clock()
        if wait_s > 0 or self._on_trial:
            self._kept_back.inc()
            raise CircuitOpen(self._destination, retry_after_s=max(wait_s, 0.1))
        self._on_trial = True
        return True

    def answered(self, *, trial: bool) -> None:
        """The peer said something, be it no."""
        if trial:
            self._close()
        elif not self._pause_s:
            self._count(failures=0)

    def failed(self, *, trial: bool) -> None:
        """Nothing came back."""
        if trial:
            self._on_trial = False
            self._break(min(LONGEST_S, 2 * self._pause_s))
        elif not self._pause_s:
            self._count(failures=1)
            if self._failures >= FAILURES and 2 * self._failures >= self._calls:
                log.warning("circuit_opened", destination=self._destination, failures=self._failures)
                self._break(PAUSE_S)

    def left(self, *, trial: bool) -> None:
        """Our own caller went away, or gave it too little time: that says nothing about the peer."""
        if trial:
            self._on_trial = False

    def _count(self, *, failures: int) -> None:
        now = self._clock()
        if now > self._window_ends:
            self._calls, self._failures, self._window_ends = 0, 0, now + WINDOW_S
        self._calls += 1
        self._failures += failures

    def _break(self, pause_s: float) -> None:
        self._pause_s, self._until = pause_s, self._clock() + pause_s
        self._open.set(1)

    def _close(self) -> None:
        log.info("circuit_closed", destination=self._destination)
        self._pause_s = self._until = 0.0
        self._on_trial = False
        self._calls = self._failures = 0
        self._open.set(0)
