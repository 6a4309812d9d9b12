"""Draws the operator's dashboard as it looks while its cluster is at work: `make dashboard-operator`.

    python -m tests.cluster.operator_picture [--seconds 600]

Finds the operator that runs in the cluster, has the real Prometheus scrape it for so long, and writes
docs/images/dashboard-operator.png. What there is to see is what others do meanwhile: run `make test-cluster` beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import aiohttp
import yaml

from observe.boards import ALL
from observe.pictures.answers import Prometheus, Span
from tests.cluster.cluster import NoCluster, find_cluster
from tests.load.dashboards import IMAGES, draw_board
from tests.ports import free_port

OPERATOR: Final = "app.kubernetes.io/name=ticketing-operator"
DEPLOYMENT: Final = "deployment/ticketing-operator"
PORT: Final = 9090
SCRAPE_S: Final = 2.0
(BOARD,) = (board for board in ALL if not board.of_a_platform)


async def main(seconds: float) -> int:
    cluster = find_cluster()
    found = cluster.run("get", "deployments", "-A", "-l", OPERATOR, "-o", "jsonpath={.items[*].metadata.namespace}")
    if not found:
        raise NoCluster("no operator runs in this cluster")
    with cluster.forwarded(found.split()[0], DEPLOYMENT, PORT) as page, _scraping(page) as url:
        began = time.time()
        await asyncio.sleep(seconds)
        async with aiohttp.ClientSession() as web:
            now = time.time()
            print(await draw_board(BOARD, Prometheus(web, url), Span(began, now, SCRAPE_S), IMAGES, now))
    return 0


@contextmanager
def _scraping(page: str) -> Iterator[str]:
    """A Prometheus that asks that page alone."""
    command = shutil.which("prometheus")
    if command is None:
        raise NoCluster("this needs Prometheus on the PATH (Debian, Ubuntu: the package `prometheus`)")
    with tempfile.TemporaryDirectory() as folder:
        job = {"job_name": "operator", "static_configs": [{"targets": [page]}]}
        config = Path(folder, "prometheus.yaml")
        config.write_text(yaml.safe_dump({"global": {"scrape_interval": f"{SCRAPE_S:.0f}s"}, "scrape_configs": [job]}))
        address = f"localhost:{free_port()}"
        told = [f"--config.file={config}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={address}"]
        with subprocess.Popen([command, *told, "--log.level=warn"]) as process:  # noqa: S603
            try:
                yield f"http://{address}"
            finally:
                process.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.operator_picture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long it is watched")
    sys.exit(asyncio.run(main(parser.parse_args().seconds)))
