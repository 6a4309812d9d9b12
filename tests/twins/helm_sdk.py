"""The operator's charts, rendered in this process by Helm's library: the second implementation of its port."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helm_python.chart import Chart
from helm_python.errors import HelmError
from ticketing_operator.charts import NotRendered, objects_of
from ticketing_operator.names import Object


class HelmLibrary:
    def __init__(self, charts: Path) -> None:
        self._charts = charts

    async def render(self, chart: str, values: Mapping[str, Any], *, name: str, namespace: str) -> list[Object]:
        return await asyncio.to_thread(self._render, chart, values, name, namespace)

    def _render(self, chart: str, values: Mapping[str, Any], name: str, namespace: str) -> list[Object]:
        try:
            with Chart.load(self._charts / chart) as loaded:
                pages = loaded.render(values=dict(values), name=name, namespace=namespace)
        except HelmError as refusal:
            raise NotRendered(str(refusal)) from refusal
        return [thing for path, page in pages.items() if not path.endswith("NOTES.txt") for thing in objects_of(page)]
