"""Writes k8s/dashboards: `python -m observe.dashboards`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from observe.boards import ALL
from observe.panels import Board, as_grafana

FOLDER: Final = Path(__file__).parents[1] / "k8s" / "dashboards"


def file_of(board: Board) -> Path:
    return FOLDER / f"{board.uid.removeprefix('ticketing-')}.json"


def text_of(board: Board) -> str:
    return json.dumps(as_grafana(board), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for one in ALL:
        file_of(one).write_text(text_of(one))
