"""What a sale is to be like."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from services.kit.topology import topology


def _local(service: str, scheme: str = "http") -> str:
    return f"{scheme}://localhost:{topology().services[service].local_ports['http']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Which part of the buyers does what; each is drawn by itself. 0.1 is one in ten."""

    # What they want; the rest names seats anywhere in the house.
    hot: float = 0.35
    standing: float = 0.20
    best_available: float = 0.15

    # How they pay; the rest has a card that works.
    declined: float = 0.06
    insufficient: float = 0.03
    approves_3ds: float = 0.05
    fails_3ds: float = 0.02
    abandons_3ds: float = 0.02

    # How they behave; the rest waits for the result and is happy with it.
    leaves: float = 0.04
    sends_twice: float = 0.05
    reconnects: float = 0.06
    cancels: float = 0.04

    # Follows the event's room too, as a page with a seat map does.
    watches: float = 0.05

    def __post_init__(self) -> None:
        for group in (
            (self.hot, self.standing, self.best_available),
            (self.declined, self.insufficient, self.approves_3ds, self.fails_3ds, self.abandons_3ds),
            (self.leaves, self.sends_twice, self.reconnects, self.cancels),
        ):
            if min(group) < 0 or sum(group) > 1.000001:
                raise ValueError("shares of one kind are at least 0 and at most 1 together")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(one.name for one in fields(cls))


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleSettings:
    gateway: str = field(default_factory=lambda: _local("gateway"))
    realtime: str = field(default_factory=lambda: f"{_local('realtime', 'ws')}/ws")
    mailbox: str = field(default_factory=lambda: f"http://localhost:{topology().mailbox['http']}")
    psp: str = field(default_factory=lambda: _local("payment"))

    # None: 2,000 at a sale, 256 at a bench.
    buyers: int | None = None
    seed: int = 1
    # Ids of events on sale; none: those the platform lists.
    events: tuple[str, ...] = ()
    shares: Shares = Shares()
    # The crowd posts within this time, at random moments.
    rush_s: float = 1.0
    # How long a buyer waits for one result.
    patience_s: float = 60.0
    # How long all that is still open, mails included, may take after the last buyer is done …
    settle_s: float = 300.0
    # … and how long nothing at all may change before it is given up.
    quiet_s: float = 60.0
    look_every_s: float = 1.0
    # How often a buyer asks a busy or silent API, and opens a socket that was cut, before giving up.
    tries: int = 6
    socket_tries: int = 20
    # False: mails are not waited for and not judged.
    wait_for_mails: bool = True

    # A closed loop of buyers instead of a sale.
    bench: bool = False
    warm_up_s: float = 3.0
    measure_s: float = 20.0
    # Numbered seats of the event that the bench makes for itself.
    bench_seats: int = 100_000

    # Requests under way at once while nobody measures: registration costs the platform 20 ms of CPU each.
    preparing_at_once: int = 8
    connecting_at_once: int = 64
    connections: int = 512

    out: Path | None = None

    @property
    def crowd(self) -> int:
        return self.buyers if self.buyers is not None else 256 if self.bench else 2000

    @property
    def report_file(self) -> Path:
        return self.out or Path("build") / ("bench.json" if self.bench else "demo.json")
