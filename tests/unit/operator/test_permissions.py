"""The chart that installs the operator says what the code says: its rights and its definition."""

from __future__ import annotations

import yaml
from ticketing_operator import crd
from ticketing_operator.handlers import WATCHED
from ticketing_operator.kinds import rules
from ticketing_operator.settings import REPOSITORY

FILES = REPOSITORY / "charts" / "operator" / "files"


def test_the_chart_grants_what_the_table_of_kinds_says_and_no_more() -> None:
    assert yaml.safe_load((FILES / "rules.yaml").read_text()) == list(rules())


def test_the_chart_brings_the_definition_that_the_types_make() -> None:
    assert yaml.safe_load((FILES / "crd.yaml").read_text()) == crd.definition(), (
        "run: PYTHONPATH=.:operator python -m ticketing_operator crd > charts/operator/files/crd.yaml"
    )


def test_what_is_watched_may_be_listed_and_watched() -> None:
    for access in WATCHED:
        assert {"list", "watch"} <= set(access.verbs), access.plural


def test_no_right_is_a_wildcard() -> None:
    assert "*" not in str(list(rules()))
