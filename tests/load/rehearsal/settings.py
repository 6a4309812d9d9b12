"""What a rehearsal is to be like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.load.sale.settings import SaleSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalSettings:
    buyers: int = 3000
    seed: int = 1
    faults: int = 40
    # Seconds from one fault to the next, on average: most take longer to get over than that.
    every_s: float = 4.0
    out: Path = Path("build/rehearsal.json")
    log: Path = Path("build/rehearsal.log")

    @property
    def window_s(self) -> float:
        """Buyers come, and faults, within this time."""
        return max(10.0, self.faults * self.every_s)

    def sale(self, *, gateway: str, realtime: str, mailbox: str, psp: str, events: tuple[str, ...]) -> SaleSettings:
        """The sale of `make demo`, spread over the window, with a crowd that does not give up easily."""
        return SaleSettings(
            gateway=gateway,
            realtime=realtime,
            mailbox=mailbox,
            psp=psp,
            events=events,
            buyers=self.buyers,
            seed=self.seed,
            rush_s=self.window_s,
            patience_s=120.0,
            quiet_s=120.0,
            tries=40,
            socket_tries=200,
        )
