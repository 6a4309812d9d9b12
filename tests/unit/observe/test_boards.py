"""Dashboards and alerts name what exists and say what they mean; what is made from code is fresh."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from observe.boards import ALL
from observe.dashboards import FOLDER, file_of, text_of
from observe.inventory import declared
from observe.metrics_page import PAGE, page
from observe.panels import NAMESPACE, Board, as_grafana
from observe.promql import labels_in, metrics_in
from observe.queries import all_expressions, known_names, rules

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
# Words that name one of very many: as a label each would be a series of its own.
UNBOUNDED = {
    "user_id",
    "user",
    "booking_id",
    "booking",
    "seat_id",
    "seat",
    "event_id",
    "email",
    "trace_id",
    "key",
    "id",
}
# What Prometheus itself puts on every series.
TAKEN = {"job", "instance", "le", "quantile"}
BASE_UNITS = ("_milliseconds", "_ms", "_minutes", "_kilobytes", "_megabytes")


@pytest.mark.parametrize(("where", "expr"), list(all_expressions()))
def test_every_query_names_metrics_that_exist(where: str, expr: str) -> None:
    named = metrics_in(expr)

    assert named, "a query without a metric asks for nothing"
    assert named <= known_names()


@pytest.mark.parametrize(("where", "expr"), list(all_expressions()))
def test_no_query_names_a_label_that_its_metrics_do_not_have(where: str, expr: str) -> None:
    of = {
        series: set(metric.labels) for metrics in declared().values() for metric in metrics for series in metric.series
    }
    had = set().union(TAKEN, *(of.get(name, set()) for name in metrics_in(expr)))
    made = set(re.findall(r'"(\w+)"', expr)) if "label_" in expr else set()

    assert labels_in(expr) <= had | made


@pytest.mark.parametrize("board", ALL, ids=lambda board: board.uid)
def test_a_dashboard_of_a_platform_asks_for_the_namespace_that_is_chosen(board: Board) -> None:
    page = as_grafana(board)
    asked = [target["expr"] for panel in page["panels"] for target in panel.get("targets", ())]

    assert ("namespace" in {variable["name"] for variable in page["templating"]["list"]}) is board.of_a_platform
    assert all((NAMESPACE in expr) is board.of_a_platform for expr in asked)


@pytest.mark.parametrize("board", ALL, ids=lambda board: board.uid)
def test_every_panel_says_what_it_shows_and_in_which_unit(board: Board) -> None:
    for panel in board.panels:
        assert panel.unit, panel.title
        assert panel.description.endswith("."), panel.title
        assert panel.queries, panel.title
        assert all(query.legend for query in panel.queries), panel.title


@pytest.mark.parametrize("board", ALL, ids=lambda board: board.uid)
def test_the_dashboard_of_the_cluster_is_the_one_of_the_code(board: Board) -> None:
    assert file_of(board).read_text() == text_of(board), "run `make docs`"
    numbers = [panel["id"] for panel in json.loads(text_of(board))["panels"]]
    assert len(numbers) == len(set(numbers))


def test_no_dashboard_is_left_from_code_that_is_gone() -> None:
    assert set(FOLDER.iterdir()) == {file_of(board) for board in ALL}


def test_the_page_of_metrics_is_fresh() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_no_label_names_one_of_very_many() -> None:
    labels = {label for metrics in declared().values() for metric in metrics for label in metric.labels}

    assert labels.isdisjoint(UNBOUNDED)
    assert labels.isdisjoint(TAKEN)


def test_metrics_have_base_units_and_a_sentence_of_help() -> None:
    for metrics in declared().values():
        for metric in metrics:
            assert not metric.name.endswith(BASE_UNITS), metric.name
            assert metric.help.endswith("."), metric.name


def test_a_metric_is_declared_once() -> None:
    names = [metric.name for metrics in declared().values() for metric in metrics]

    assert len(names) == len(set(names))


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    alerts = {rule.name for rule in rules() if rule.is_alert}

    assert {path.stem for path in RUNBOOKS.glob("*.md")} == alerts
    for name in alerts:
        text = (RUNBOOKS / f"{name}.md").read_text()
        assert text.startswith(f"# {name}\n")
        assert all(part in text for part in ("## What it means", "## How to check", "## What to do")), name


def test_every_alert_leads_to_its_runbook() -> None:
    assert {rule.name: rule.runbook for rule in rules() if rule.is_alert} == {
        rule.name: f"docs/runbooks/{rule.name}.md" for rule in rules() if rule.is_alert
    }


def test_every_alert_says_how_urgent_it_is() -> None:
    assert {rule.severity for rule in rules() if rule.is_alert} <= {"page", "warn"}


def test_runbooks_point_at_pages_and_panels_that_exist() -> None:
    panels = {panel.title for board in ALL for panel in board.panels}
    boards = {board.title.removeprefix("Ticketing / ") for board in ALL}
    for path in RUNBOOKS.glob("*.md"):
        text = path.read_text().replace("\n   ", " ")
        assert all((RUNBOOKS / page).exists() for page in re.findall(r"\]\((\w+\.md)\)", text)), path.name
        for board, panel in re.findall(r"\*([A-Z][\w -]+) / ([^*]+)\*", text):
            if board in boards:
                assert panel in panels, f"{path.name}: {panel}"
