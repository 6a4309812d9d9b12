"""The verdict for people (a table) and for programs (a file)."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.load.sale.verdict import Verdict

SHOWN = 10


def write_report(verdict: Verdict, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(verdict.as_json(), indent=2) + "\n", encoding="utf-8")


def show_verdict(verdict: Verdict, console: Console) -> None:
    console.print(_table(verdict))
    findings = verdict.judgement.findings
    for finding in findings[:SHOWN]:
        console.print(f"  {finding}", style="red", highlight=False, markup=False)
    if len(findings) > SHOWN:
        console.print(f"  … and {len(findings) - SHOWN} more")
    words = "[bold green]Everything kept[/]" if verdict.holds else "[bold red]Promises broken[/]"
    console.print(f"{words}: nothing sold twice, lost, or paid for nothing." if verdict.holds else f"{words}.")


def _table(verdict: Verdict) -> Table:
    judgement, pace = verdict.judgement, verdict.pace
    table = Table(title="Verdict", title_style="bold", show_header=False, min_width=46)
    table.add_column(style="cyan")
    table.add_column(justify="right")
    table.add_row("buyers / orders", f"{verdict.buyers} / {verdict.orders}")
    table.add_row("confirmed", str(verdict.confirmed))
    table.add_row("cancelled afterwards", str(verdict.cancelled))
    table.add_row("waiting for payment", str(verdict.awaiting_payment))
    table.add_row("refused", str(verdict.refused))
    for reason, times in verdict.refused_by_reason.items():
        table.add_row(f"  {reason}", str(times), style="dim")
    table.add_section()
    table.add_row("oversold", _must_be_none(len(judgement.oversold)))
    table.add_row("lost", _must_be_none(len(judgement.lost)))
    table.add_row("paid without ticket", _must_be_none(len(judgement.paid_without_ticket)))
    table.add_row("stuck", _must_be_none(len(judgement.stuck)))
    table.add_row("booked twice", _should_be_none(len(judgement.double_booked)))
    table.add_row("mailed twice", _should_be_none(len(judgement.double_mail)))
    table.add_row("delivered again, same Message-ID", _should_be_none(verdict.redelivered))
    table.add_row("mails", "not waited for" if verdict.mails is None else str(verdict.mails))
    table.add_section()
    table.add_row("bookings/s", f"{pace.per_second:.0f}")
    table.add_row("POST to result, p50", f"{pace.p50_ms:.0f} ms")
    table.add_row("POST to result, p99", f"{pace.p99_ms:.0f} ms")
    table.add_row("POST to 202, p50 / p99", f"{pace.accepted_p50_ms:.0f} / {pace.accepted_p99_ms:.0f} ms")
    table.add_row("CPU of this client", f"{verdict.cpu_s:.1f} s")
    return table


def _must_be_none(count: int) -> str:
    return f"[green]{count}[/]" if count == 0 else f"[bold red]{count}[/]"


def _should_be_none(count: int) -> str:
    return str(count) if count == 0 else f"[yellow]{count}[/]"
