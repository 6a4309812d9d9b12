"""Back up and restore, by the very commands of docs/operations.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.operations import commands, run
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

    run(cluster, back_up, {"shop": platform.namespace}, folder=tmp_path)
    assert hold_sale(cluster, platform.namespace, buyers=20, seed=22).holds
    assert platform.sold() != sold
    platform.sql("DROP SCHEMA payment CASCADE")
    run(cluster, restore, {"shop": platform.namespace}, folder=tmp_path)
    platform.wait_until_ready()

    assert platform.sold() == sold
    assert "kind: Secret" in (tmp_path / "secrets.yaml").read_text()
    verdict = hold_sale(cluster, platform.namespace, buyers=20, seed=23)
    assert verdict.holds, verdict
