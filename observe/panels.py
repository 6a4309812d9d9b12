"""A dashboard in a few words, and as Grafana reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from observe.promql import narrowed

# Grafana puts a window in that fits the picture.
WINDOW: Final = "$__rate_interval"
# And the namespace that is chosen at the top of the page; `.*` for all, and where there are none.
NAMESPACE: Final = "$namespace"
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS: Final = 24
_HEIGHT: Final = 8
_HEIGHTS: Final = {"stat": 4, "nodeGraph": 14}

type Kind = Literal["timeseries", "stat", "nodeGraph"]


@dataclass(frozen=True, slots=True)
class Query:
    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    title: str
    # What it shows, and what is wrong when it looks wrong.
    description: str
    # As Grafana names them: s, ops, short, percentunit, bytes, …
    unit: str
    queries: Sequence[Query]
    kind: Kind = "timeseries"
    width: int = 8
    stacked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    uid: str
    title: str
    description: str
    rows: Sequence[tuple[str, Sequence[Panel]]] = field(default_factory=tuple)
    # Of one platform, which has a namespace of its own; else of all together.
    of_a_platform: bool = True

    @property
    def panels(self) -> Sequence[Panel]:
        return [panel for _, panels in self.rows for panel in panels]

    def asked(self, query: Query) -> str:
        """The query's expression as it is sent, with Grafana's words in it."""
        return narrowed(query.expr, f'namespace=~"{NAMESPACE}"') if self.of_a_platform else query.expr


def rate(metric: str, by: str = "", **only: str) -> str:
    """`sum by (…) (rate(metric{…}[window]))`, a second."""
    matching = ", ".join(f"{label}{value if value[0] in '=!' else f'={value}'}" for label, value in only.items())
    grouped = f"sum by ({by}) " if by else "sum "
    return f"{grouped}(rate({metric}{{{matching}}}[{WINDOW}]))" if matching else f"{grouped}(rate({metric}[{WINDOW}]))"


def or_none(expr: str, *labels: str) -> str:
    """Where it finds nothing, 0 for one series whose labels all say `none`: a panel without data would look broken."""
    nothing = "vector(0)"
    for label in labels:
        nothing = f'label_replace({nothing}, "{label}", "none", "", "")'
    return f"{expr} or on () {nothing}"


def quantile(share: float, histogram: str, by: str = "") -> str:
    """The time that so large a share of the samples stayed under."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket[{WINDOW}])))"


def as_grafana(board: Board) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in board.rows:
        panels.append(
            {
                "type": "row",
                "title": title,
                "collapsed": False,
                "panels": [],
                "id": len(panels) + 1,
                "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
            }
        )
        y += 1
        x = 0
        for panel in row:
            height = _HEIGHTS.get(panel.kind, _HEIGHT)
            if x + panel.width > COLUMNS:
                x, y = 0, y + height
            place = {"x": x, "y": y, "w": panel.width, "h": height}
            panels.append(_panel(board, panel, len(panels) + 1, place))
            x += panel.width
        y += max(_HEIGHTS.get(panel.kind, _HEIGHT) for panel in row)
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": ["ticketing"],
        "timezone": "browser",
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "schemaVersion": 39,
        "templating": {"list": [_data_source(), *([_namespace()] if board.of_a_platform else [])]},
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "title": "Ticketing", "tags": ["ticketing"], "asDropdown": True}],
        "panels": panels,
    }


def _panel(board: Board, panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    custom = {"fillOpacity": 10, "lineWidth": 1, "showPoints": "never"}
    if panel.stacked:
        custom |= {"stacking": {"mode": "normal"}, "fillOpacity": 40}
    options = (
        {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value"}
        if panel.kind == "stat"
        else {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    )
    graph = panel.kind == "nodeGraph"
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, **({"custom": custom} if panel.kind == "timeseries" else {})},
            "overrides": [],
        },
        "options": {} if graph else options,
        "targets": [
            {
                "refId": query.legend if graph else chr(ord("A") + place_in_row),
                "datasource": _SOURCE,
                "expr": board.asked(query),
                "legendFormat": query.legend,
                "exemplar": "_bucket" in query.expr,
                **({"format": "table", "instant": True, "range": False} if graph else {}),
            }
            for place_in_row, query in enumerate(panel.queries)
        ],
        **({"transformations": [_main_stat(panel)]} if graph else {}),
    }


def _main_stat(panel: Panel) -> dict[str, Any]:
    """A node graph reads the number it shows from a column of that name."""
    renamed = {f"Value #{query.legend}": "mainstat" for query in panel.queries}
    return {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": renamed}}


def _data_source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _namespace() -> dict[str, Any]:
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": "label_values(clock_timestamp_seconds, namespace)", "refId": "namespace"},
        "refresh": 2,
        "sort": 1,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
