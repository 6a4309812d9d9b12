"""Where the project's expressions are, and what they may name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from observe.boards import ALL
from observe.inventory import known_series

ALERTS: Final = Path(__file__).parents[1] / "k8s" / "alerts"


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert or a recording rule of k8s/alerts."""

    name: str
    is_alert: bool
    expr: str
    severity: str
    # Where its page is, from the root of the project; empty for a recording rule.
    runbook: str


def rule_files() -> Mapping[Path, Any]:
    return {path: yaml.safe_load(path.read_text()) for path in sorted(ALERTS.glob("*.yaml"))}


def rules() -> Iterator[Rule]:
    for document in rule_files().values():
        for group in document["spec"]["groups"]:
            for rule in group["rules"]:
                severity = rule.get("labels", {}).get("severity", "")
                runbook = rule.get("annotations", {}).get("runbook_url", "")
                yield Rule(rule.get("alert") or rule["record"], "alert" in rule, rule["expr"], severity, runbook)


def all_expressions() -> Iterator[tuple[str, str]]:
    """Where it stands, and the expression."""
    for board in ALL:
        for panel in board.panels:
            for query in panel.queries:
                yield f"{board.title}: {panel.title}", query.expr
    for rule in rules():
        yield rule.name, rule.expr


def known_names() -> frozenset[str]:
    return known_series() | {rule.name for rule in rules() if not rule.is_alert}
