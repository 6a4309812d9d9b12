"""Migrations of a service are one line, so that `head` means one thing."""

import re
from pathlib import Path

import pytest

from services.kit.topology import topology

ROOT = Path(__file__).parents[2]
WITH_SCHEMA = [row for row in topology().python_services if "postgres" in row.data]


@pytest.mark.parametrize("row", WITH_SCHEMA, ids=lambda row: row.name)
def test_every_migration_follows_the_one_before(row) -> None:
    files = sorted((ROOT / row.folder / "migrations" / "versions").glob("*.py"))
    told = [re.findall(r'^(?:down_)?revision = (?:"(\w+)"|None)$', file.read_text(), re.MULTILINE) for file in files]

    revisions = [revision for revision, _ in told]

    assert revisions == [file.name[:4] for file in files]
    assert [before for _, before in told] == ["", *revisions[:-1]]
