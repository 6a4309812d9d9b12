"""Prometheus beside a local run: it scrapes every service and knows the project's alerts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from services.kit.topology import TABLE, Service
from services.local.keeper import Program
from services.local.ports import prometheus_port, service_port
from services.local.stores.port import StoreFailed

RULES: Final = TABLE.parent / "k8s" / "alerts"
# Unless OBSERVE_EVERY says otherwise: a sale on a laptop is over within one of a cluster's.
SCRAPE: Final = "2s"
EVALUATE: Final = "5s"


def prometheus_wanted() -> bool:
    return os.environ.get("OBSERVE", "") not in {"", "0"}


def prometheus_url() -> str:
    return f"http://localhost:{prometheus_port()}"


def prometheus(services: Sequence[Service], home: Path) -> Program:
    """What to run; its files are written already. Raises StoreFailed where it is not installed."""
    command = shutil.which("prometheus")
    if command is None:
        raise StoreFailed("OBSERVE=1 needs Prometheus on the PATH (Debian, Ubuntu: the package `prometheus`)")
    folder = home / "prometheus"
    folder.mkdir()
    written = [_write(folder / f"rules-{path.name}", _spec(path)) for path in sorted(RULES.glob("*.yaml"))]
    config = _write(folder / "prometheus.yaml", configuration(services, written))
    return Program(
        name="prometheus",
        command=[
            command,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=localhost:{prometheus_port()}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ],
        nice=10,
    )


def configuration(services: Sequence[Service], rules: Sequence[Path]) -> dict[str, Any]:
    return {
        "global": {
            "scrape_interval": os.environ.get("OBSERVE_EVERY", SCRAPE),
            "evaluation_interval": EVALUATE,
        },
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {
                "job_name": row.name,
                "metrics_path": row.metrics.path,
                "static_configs": [{"targets": [f"localhost:{service_port(row.name, row.metrics.port)}"]}],
            }
            for row in services
            if row.metrics is not None
        ],
    }


def _spec(path: Path) -> object:
    """The rules without the cluster's envelope."""
    return yaml.safe_load(path.read_text())["spec"]


def _write(path: Path, content: object) -> Path:
    path.write_text(yaml.safe_dump(content))
    return path
