"""Back up and restore, by the very commands of docs/operations.md."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.cluster.cluster import REPOSITORY, Cluster
from tests.cluster.platforms import Platform
from tests.cluster.sale import hold_sale

pytestmark = pytest.mark.timeout(1200)


def test_what_was_sold_before_the_backup_is_there_again_and_the_sale_goes_on(
    cluster: Cluster, platform: Platform, tmp_path: Path
) -> None:
    platform.wait_until_ready()
    back_up, restore = commands("Back up, restore")
    assert hold_sale(cluster, platform.namespace, buyers=20, seed=21).holds
    sold = platform.sold()

    run(cluster, platform, back_up, tmp_path)
    assert hold_sale(cluster, platform.namespace, buyers=20, seed=22).holds
    assert platform.sold() != sold
    platform.sql("DROP SCHEMA payment CASCADE")
    run(cluster, platform, restore, tmp_path)
    platform.wait_until_ready()

    assert platform.sold() == sold
    assert "kind: Secret" in (tmp_path / "secrets.yaml").read_text()
    verdict = hold_sale(cluster, platform.namespace, buyers=20, seed=23)
    assert verdict.holds, verdict


def commands(heading: str) -> list[str]:
    """The blocks of commands below a heading of docs/operations.md."""
    page = (REPOSITORY / "docs/operations.md").read_text()
    (section,) = re.findall(rf"^### {re.escape(heading)}\n(.*?)(?=^##)", page, re.MULTILINE | re.DOTALL)
    return [block.replace("\n    ", "\n").strip() for block in re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)]


def run(cluster: Cluster, platform: Platform, block: str, folder: Path) -> None:
    environment = os.environ | {
        "KUBECONFIG": str(cluster.kubeconfig),
        "PATH": f"{Path(cluster.kubectl).parent}{os.pathsep}{os.environ['PATH']}",
    }
    script = block.replace("-n shop", f"-n {platform.namespace}")
    done = subprocess.run(  # noqa: S603 - our own documentation
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - as a person would
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
