"""What a rehearsal came to: a table for people, a file for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.load.rehearsal.chaos import Injected
from tests.load.rehearsal.invariants import Invariants
from tests.load.rehearsal.recovery import NextConfirmed, slowest, worst_by_target
from tests.load.rehearsal.settings import RehearsalSettings
from tests.load.sale.report import show_verdict
from tests.load.sale.verdict import Verdict

# Confirmed orders that are told one by one.
SLOWEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    settings: RehearsalSettings
    verdict: Verdict
    invariants: Invariants
    faults: Sequence[Injected]
    # When the sale began, on the clock of the faults.
    began_at: float
    # Start and end of the platform included.
    took_s: float

    @property
    def passed(self) -> bool:
        """Every fault took place, nobody was harmed, and the services' own books agree."""
        everything = len(self.faults) == self.settings.faults
        return everything and self.verdict.judgement.spotless and self.invariants.hold

    def as_json(self) -> dict[str, object]:
        known = NextConfirmed(self.verdict.confirmations)
        recovery = worst_by_target(self.faults, self.verdict.confirmations)
        return {
            "passed": self.passed,
            **self.verdict.as_json(),
            "invariants": self.invariants.as_json(),
            "rehearsal_s": round(self.took_s, 1),
            "kill_to_next_confirmed_s": {name: _rounded(recovery[name]) for name in sorted(recovery)},
            "slowest": [
                {
                    "posted_at_s": round(one.posted_at - self.began_at, 2),
                    "took_s": round(one.took_s, 2),
                    "during": [str(during.fault) for during in one.during],
                }
                for one in slowest(self.faults, self.verdict.confirmations, most=SLOWEST)
            ],
            "faults": [
                {
                    "at_s": round(one.struck_at - self.began_at, 2),
                    "kind": one.fault.kind.value,
                    "targets": list(one.fault.targets),
                    "lasted_s": round(one.ended_at - one.struck_at, 2),
                    **({"details": dict(one.fault.details)} if one.fault.details else {}),
                    "next_confirmed_s": _rounded(known.after(one.struck_at)),
                }
                for one in self.faults
            ],
        }


def write_outcome(outcome: Outcome, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(outcome.as_json(), indent=2) + "\n", encoding="utf-8")


def show_outcome(outcome: Outcome, console: Console) -> None:
    console.print(_faults(outcome))
    console.print(_recovery(outcome))
    show_verdict(outcome.verdict, console)
    console.print(_invariants(outcome.invariants), highlight=False)
    words = "[bold green]passed[/]" if outcome.passed else "[bold red]failed[/]"
    console.print(f"Rehearsal {words}: {len(outcome.faults)} faults in {outcome.took_s:.0f} s.")


def _faults(outcome: Outcome) -> Table:
    known = NextConfirmed(outcome.verdict.confirmations)
    table = Table(title="Faults", title_style="bold", min_width=46)
    table.add_column("at", justify="right")
    table.add_column("what", style="cyan")
    table.add_column("next booking after", justify="right")
    for one in outcome.faults:
        at_s = one.struck_at - outcome.began_at
        table.add_row(f"{at_s:.1f} s", str(one.fault), _shown(known.after(one.struck_at)))
    return table


def _recovery(outcome: Outcome) -> Table:
    worst = worst_by_target(outcome.faults, outcome.verdict.confirmations)
    table = Table(title="From kill -9 to the next confirmed booking, at worst", title_style="bold", min_width=46)
    table.add_column("service", style="cyan")
    table.add_column("seconds", justify="right")
    for name in sorted(worst):
        table.add_row(name, _shown(worst[name]))
    return table


def _invariants(found: Invariants) -> str:
    if found.violated:
        return "\n".join(["[bold red]The services' own books disagree[/]:", *map(escape, found.violated)])
    repaired = f"; {len(found.repaired)} repairs were made on the way" if found.repaired else ""
    return f"[bold green]All {len(found.looked_at)} invariants hold[/] in the services' own books{repaired}."


def _shown(seconds: float | None) -> str:
    return "none came" if seconds is None else f"{seconds:.2f} s"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
