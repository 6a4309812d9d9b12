"""Grafana's dark theme."""

from typing import Final

PAGE: Final = "#111217"
PANEL: Final = "#181b1f"
EDGE: Final = "#25272d"
GRID: Final = "#2b2e35"
TEXT: Final = "#d0d1d6"
FAINT: Final = "#70737c"
LINES: Final = (
    *("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9"),
    *("#37872d", "#8ab8ff", "#c4162a", "#ffb357", "#a352cc", "#96d98d"),
)
