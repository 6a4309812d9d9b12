"""What the services' own books say is part of a rehearsal's outcome."""

from io import StringIO

import pytest
from rich.console import Console

from protos.gen import invariants_pb2 as pb
from tests.load.rehearsal.invariants import told
from tests.load.rehearsal.report import Outcome, show_outcome
from tests.load.rehearsal.settings import RehearsalSettings
from tests.load.sale.evidence import Evidence
from tests.load.sale.judging import judge
from tests.load.sale.verdict import Pace, Verdict


def outcome(*, violations: int) -> Outcome:
    examples = [pb.Violation(subject="b1", what="700 EUR were kept [sic]", age_s=90)][:violations]
    held = pb.Invariant(name="bookings_stuck", looked_at=40)
    money = pb.Invariant(name="paid_without_ticket", looked_at=40, violations=violations, examples=examples)
    repairs = [pb.Repair(rule="holds_overdue", subject="h1", done="expired"), pb.Repair(rule="holds_overdue")]
    answers = {"booking": pb.CheckInvariantsResponse(invariants=[held, money], repairs=repairs)}
    nobody = Verdict(
        judgement=judge(Evidence(stories=[], bookings={})),
        buyers=0,
        seed=1,
        orders=0,
        confirmed=0,
        refused_by_reason={},
        cancelled=0,
        awaiting_payment=0,
        pace=Pace(),
        mails=0,
    )
    return Outcome(
        settings=RehearsalSettings(faults=0),
        verdict=nobody,
        invariants=told(answers, took_s=1.0),
        faults=[],
        began_at=0.0,
        took_s=1.0,
    )


@pytest.mark.parametrize("violations", [0, 1, 30])
def test_a_rehearsal_passes_only_when_every_invariant_holds(violations: int) -> None:
    assert outcome(violations=violations).passed is (violations == 0)


def test_what_is_violated_and_what_was_repaired_is_told() -> None:
    said = outcome(violations=30)
    console = Console(file=StringIO(), width=200)

    show_outcome(said, console)

    assert said.as_json()["invariants"] == {
        "hold": False,
        "looked_at": {"bookings_stuck": 40, "paid_without_ticket": 40},
        "violated": ["paid_without_ticket: 30 of 40", "paid_without_ticket: b1: 700 EUR were kept [sic]"],
        "repaired": ["holds_overdue: h1: expired"],
        "took_s": 1.0,
    }
    assert "700 EUR were kept [sic]" in console.file.getvalue()  # type: ignore[attr-defined] # a StringIO
    assert "Rehearsal failed" in console.file.getvalue()  # type: ignore[attr-defined] # as above
