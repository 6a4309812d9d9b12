"""Grafana's node graph: who calls whom, callers on the left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from observe.pictures.answers import Series
from observe.pictures.colours import FAINT, LINES, PANEL, TEXT
from observe.pictures.units import written


def draw_graph(axes: Axes, nodes: Sequence[Series], edges: Sequence[Series], *, unit: str) -> None:
    places = _places(
        [one.labels["id"] for one in nodes], [(one.labels["source"], one.labels["target"]) for one in edges]
    )
    most = max((one.last for one in edges), default=0.0) or 1.0
    for edge in edges:
        begin, end = places[edge.labels["source"]], places[edge.labels["target"]]
        style = {"arrowstyle": "-|>", "color": FAINT, "lw": 0.6 + 2.4 * edge.last / most, "shrinkA": 24, "shrinkB": 24}
        axes.annotate("", end, begin, arrowprops={**style, "connectionstyle": "arc3,rad=0.08"})
        x, y = (0.6 * a + 0.4 * b for a, b in zip(begin, end, strict=True))
        axes.text(x, y, written(edge.last, unit), ha="center", va="bottom", color=FAINT, size=7)
    for node in nodes:
        x, y = places[node.labels["id"]]
        axes.plot(x, y, "o", ms=40, mfc=PANEL, mec=LINES[0], mew=2)
        axes.text(x, y, written(node.last, unit).replace(" ", "\n", 1), ha="center", va="center", color=TEXT, size=7)
        axes.text(x, y - 0.5, node.labels["title"], ha="center", va="center", color=TEXT, size=8.5)
    axes.axis("off")
    across, down = zip(*places.values(), strict=True)
    axes.set_xlim(min(across) - 0.5, max(across) + 0.5)
    axes.set_ylim(min(down) - 1, max(down) + 0.7)


def _places(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> Mapping[str, tuple[float, float]]:
    """Columns by the longest way from whoever nobody calls; within one, from top to bottom."""
    depth = dict.fromkeys(sorted({*nodes, *(end for edge in edges for end in edge)}), 0)
    # Calls go round in no circle; should one day they do, the pictures stay finite.
    for _ in depth:
        for source, target in edges:
            depth[target] = min(max(depth[target], depth[source] + 1), len(depth))
    columns = defaultdict(list)
    for name, column in depth.items():
        columns[column].append(name)
    return {
        name: (1.6 * number, (len(names) - 1) / 2 * 1.35 - 1.35 * row)
        for number, (_, names) in enumerate(sorted(columns.items()))
        for row, name in enumerate(names)
    }
