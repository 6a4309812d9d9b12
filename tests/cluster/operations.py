"""What docs/operations.md tells a person to type, typed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.cluster import REPOSITORY, Cluster

TAKES_S = 600


def commands(heading: str) -> list[str]:
    """The blocks of commands below the first heading of that name."""
    page = (REPOSITORY / "docs/operations.md").read_text()
    section = re.findall(rf"^### {re.escape(heading)}\n(.*?)(?=^##)", page, re.MULTILINE | re.DOTALL)[0]
    return [block.replace("\n    ", "\n").strip() for block in re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)]


def run(cluster: Cluster, block: str, namespaces: Mapping[str, str], *, folder: Path = REPOSITORY) -> None:
    """A block, in namespaces of our own instead of those that the page names."""
    environment = os.environ | {
        "KUBECONFIG": str(cluster.kubeconfig),
        "PATH": f"{Path(cluster.kubectl).parent}{os.pathsep}{os.environ['PATH']}",
    }
    script = block
    for said, ours in namespaces.items():
        script = script.replace(f"-n {said} ", f"-n {ours} ")
    done = subprocess.run(  # noqa: S603 - our own documentation
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - as a person would
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TAKES_S,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
