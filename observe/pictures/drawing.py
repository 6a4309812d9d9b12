"""One board, one picture: panels where Grafana puts them, in its dark colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from observe.panels import COLUMNS, Board, Panel, as_grafana
from observe.pictures.answers import Series, Span
from observe.pictures.colours import EDGE, FAINT, GRID, LINES, PAGE, PANEL, TEXT
from observe.pictures.graph import draw_graph
from observe.pictures.units import written

# By a query's expression.
type Answers = Mapping[str, Sequence[Series]]

DPI: Final = 100
# Inches of a column and of a line of Grafana's grid, and of what stands around a plot in its panel.
_COLUMN: Final = 0.58
_LINE: Final = 0.36
_GAP: Final = 0.06
_HEAD: Final = 0.34
# What the library counts times in.
_DAY_S: Final = 86_400
# More lines than this are drawn and not named.
_NAMED: Final = 8
# Letters of a name, of which four fit side by side, and of the longest that is written in full.
_SHORT: Final = 14
_LONGEST: Final = 34


def draw(board: Board, answers: Answers, span: Span, path: Path) -> None:
    """Writes a PNG. A panel without an answer says so."""
    placed = as_grafana(board)["panels"]
    lines = max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in placed)
    size = (COLUMNS * _COLUMN, lines * _LINE + 2 * _HEAD)
    figure = Figure(figsize=size, facecolor=PAGE, dpi=DPI)
    canvas = _Canvas(figure, size)
    canvas.write(board.title, 0, 0, weight="bold", size=13)
    canvas.write(board.description, 7, 0, color=FAINT, size=10)
    panels = iter(board.panels)
    with mpl.rc_context({"font.size": 7.5, "font.family": "DejaVu Sans"}):
        for one in placed:
            where = one["gridPos"]
            if one["type"] == "row":
                canvas.write(f"▾ {one['title']}", 0, where["y"] + 1.7, size=10)
            else:
                _draw_panel(canvas, next(panels), where, answers, span)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)


class _Canvas:
    """A figure by Grafana's grid, from the top left."""

    def __init__(self, figure: Figure, size: tuple[float, float]) -> None:
        self.figure, self._size = figure, size

    def write(self, text: str, column: float, line: float, **how: Any) -> None:
        x, y = self._at(column * _COLUMN + 2 * _GAP, line * _LINE + _HEAD * 0.7)
        self.figure.text(x, y, text, va="center", **{"color": TEXT, **how})

    def panel(self, where: Mapping[str, int], title: str) -> tuple[float, float, float, float]:
        """A panel's surface and title; where its content goes, in inches from the top left."""
        left, top = where["x"] * _COLUMN + _GAP, where["y"] * _LINE + 2 * _HEAD + _GAP
        wide, high = where["w"] * _COLUMN - 2 * _GAP, where["h"] * _LINE - 2 * _GAP
        x, y = self._at(left, top + high)
        surface = Rectangle(
            (x, y), wide / self._size[0], high / self._size[1], facecolor=PANEL, edgecolor=EDGE, zorder=-1
        )
        self.figure.add_artist(surface)
        x, y = self._at(left + 0.1, top + _HEAD / 2)
        self.figure.text(x, y, title, va="center", color=TEXT, size=8.5)
        return left, top + _HEAD, wide, high - _HEAD

    def axes(self, left: float, top: float, wide: float, high: float) -> Axes:
        x, y = self._at(left, top + high)
        axes: Axes = self.figure.add_axes((x, y, wide / self._size[0], high / self._size[1]), facecolor="none")
        return axes

    def _at(self, left: float, top: float) -> tuple[float, float]:
        return left / self._size[0], 1 - top / self._size[1]


def _draw_panel(canvas: _Canvas, panel: Panel, where: Mapping[str, int], answers: Answers, span: Span) -> None:
    left, top, wide, high = canvas.panel(where, panel.title)
    asked = [(query, answers[query.expr]) for query in panel.queries]
    found = [(_name(one.called(query.legend)), one) for query, series in asked for one in series]
    if not found:
        axes = canvas.axes(left, top, wide, high)
        axes.axis("off")
        axes.text(0.5, 0.5, "No data", ha="center", va="center", color=FAINT, size=10)
    elif panel.kind == "nodeGraph":
        axes = canvas.axes(left, top, wide, high)
        nodes, edges = (series for _, series in asked)
        draw_graph(axes, nodes, edges, unit=panel.unit)
    elif panel.kind == "stat":
        _draw_stat(canvas.axes(left, top, wide, high), panel, found[0][1])
    else:
        under = _legend_height(found)
        axes = canvas.axes(left + 0.62, top, wide - 0.74, high - 0.24 - under)
        _draw_lines(axes, panel, found, span)


def _name(legend: str) -> str:
    """What comes last in a long one tells it from others. The library takes an empty one for none."""
    return legend if 0 < len(legend) <= _LONGEST else f"…{legend[1 - _LONGEST :]}" if legend else "-"


def _draw_stat(axes: Axes, panel: Panel, series: Series) -> None:
    times, values = zip(*series.points, strict=True)
    axes.fill_between(times, values, color=LINES[0], alpha=0.15, lw=0)
    axes.plot(times, values, color=LINES[0], lw=0.8, alpha=0.6)
    axes.set_ylim(0, (max(values) or 1) * 2.2)
    axes.axis("off")
    told = written(series.last, panel.unit)
    axes.text(0.5, 0.6, told, transform=axes.transAxes, ha="center", va="center", color=LINES[0], size=19)


def _draw_lines(axes: Axes, panel: Panel, found: Sequence[tuple[str, Series]], span: Span) -> None:
    times = [moment / _DAY_S for moment in span.moments]
    floor, highest = [0.0] * len(times), 0.0
    by_size = sorted(found, key=lambda one: -max(value for _, value in one[1].points))
    for number, (name, series) in enumerate(by_size):
        values = series.along(span)
        above = [low + value for low, value in zip(floor, values, strict=True)] if panel.stacked else values
        colour, label = LINES[number % len(LINES)], name if number < _NAMED else "_"
        axes.plot(times, above, color=colour, lw=1.1, label=label)
        axes.fill_between(times, floor, above, color=colour, alpha=0.4 if panel.stacked else 0.1, lw=0)
        highest = max(highest, *(value for value in above if not isnan(value)))
        if panel.stacked:
            floor = [low if isnan(high) else high for low, high in zip(floor, above, strict=True)]
    axes.set_ylim(0, highest * 1.08 or 1)
    axes.set_xlim(times[0], times[-1])
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value, panel.unit)))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M:%S"))  # type: ignore[no-untyped-call]
    axes.tick_params(colors=FAINT, length=0, labelsize=7)
    axes.grid(color=GRID, lw=0.6)
    axes.spines[:].set_visible(False)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.12),
        ncols=_legend_columns(found),
        frameon=False,
        labelcolor=TEXT,
        fontsize=7,
        handlelength=1.0,
        columnspacing=1.2,
        borderaxespad=0,
    )


def _legend_columns(found: Sequence[tuple[str, Series]]) -> int:
    return 4 if max(len(name) for name, _ in found) <= _SHORT else 2


def _legend_height(found: Sequence[tuple[str, Series]]) -> float:
    return 0.17 * -(-min(len(found), _NAMED) // _legend_columns(found)) + 0.06
