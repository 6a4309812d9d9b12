"""Every invariant that services watch wakes somebody up, who finds a page that says what to do."""

import re
from pathlib import Path
from typing import Any

import yaml

from services.booking.judging import PROMISES as OF_BOOKING
from services.payment.comparing import PROMISES as OF_PAYMENT
from services.ticket.domain.watched import PROMISES as OF_TICKET

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "k8s" / "alerts"
# Alerted for with the sale itself.
ELSEWHERE = {"seats_oversold"}


def rules() -> list[dict[str, Any]]:
    file = yaml.safe_load((ALERTS / "invariants.yaml").read_text())
    assert (file["apiVersion"], file["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    return [rule for group in file["spec"]["groups"] for rule in group["rules"]]


def test_every_invariant_has_an_alert() -> None:
    asked = {name for rule in rules() for name in re.findall(r"max\((\w+)\)", str(rule["expr"]))}

    assert asked == {*OF_BOOKING, *OF_PAYMENT, *OF_TICKET} - ELSEWHERE


def test_every_alert_has_a_page_that_says_what_to_do() -> None:
    for rule in rules():
        page = ROOT / rule["annotations"]["runbook_url"]
        text = page.read_text()
        assert page.stem == rule["alert"]
        assert text.startswith(f"# {page.stem}\n")
        assert all(part in text for part in ("## What it means", "## How to check", "## What to do")), page.name
