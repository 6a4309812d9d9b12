"""Dashboards as pictures: every unit has its words, and every board can be drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib import image

from observe.boards import ALL
from observe.panels import Board
from observe.pictures.answers import Series, Span
from observe.pictures.drawing import draw
from observe.pictures.units import written

SPAN = Span(0, 20, 5)
LABELS = {"id": "a", "title": "a", "source": "a", "target": "b"}


@pytest.mark.parametrize("unit", sorted({panel.unit for board in ALL for panel in board.panels}))
def test_every_unit_of_a_panel_can_be_written(unit: str) -> None:
    assert written(1536, unit)


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (0, "s", "0 s"),
        (0.0123, "s", "12.3 ms"),
        (150, "s", "2.5 min"),
        (3 * 86400, "s", "3 d"),
        (1234, "short", "1.23 K"),
        (0.05, "percentunit", "5 %"),
        (1536, "bytes", "1.5 KiB"),
        (12.34, "reqps", "12.3 req/s"),
    ],
)
def test_numbers_are_written_as_grafana_writes_them(value: float, unit: str, told: str) -> None:
    assert written(value, unit) == told


def test_a_legend_has_the_labels_of_its_series() -> None:
    assert Series({"outcome": "refused"}, [(0, 1)]).called("{{outcome}} {{reason}}") == "refused"


def test_a_series_has_a_value_for_each_moment_at_which_it_was_there() -> None:
    values = Series({}, [(5, 1.0), (15.2, 3.0)]).along(SPAN)

    assert str(values) == "[nan, 1.0, nan, 3.0, nan]"


@pytest.mark.parametrize("board", ALL, ids=lambda board: board.uid)
def test_every_board_can_be_drawn_with_answers_and_without(board: Board, tmp_path: Path) -> None:
    some = [Series(LABELS, [(0, 1.0), (10, 3.0)]), Series(LABELS, [(0, 2.0), (20, 1.0)])]
    asked = [query.expr for panel in board.panels for query in panel.queries]

    draw(board, dict.fromkeys(asked, some), SPAN, tmp_path / "some.png")
    draw(board, dict.fromkeys(asked, ()), SPAN, tmp_path / "none.png")

    full, empty = (image.imread(tmp_path / name) for name in ("some.png", "none.png"))
    assert full.shape == empty.shape
    assert (full != empty).mean() > 0.01, "lines were drawn"
