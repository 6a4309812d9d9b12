"""A process has one clock, which a rehearsal can set wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from services.kit.clock import run_wrong, utc_now


@pytest.fixture(autouse=True)
def set_right_again() -> Iterator[None]:
    yield
    run_wrong(0)


def test_the_clock_is_right_unless_it_is_set_wrong() -> None:
    assert abs(utc_now() - datetime.now(UTC)) < timedelta(seconds=5)

    run_wrong(-3600)

    assert abs(utc_now() - datetime.now(UTC) + timedelta(hours=1)) < timedelta(seconds=5)
