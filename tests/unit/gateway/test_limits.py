"""Token buckets: a minute's worth at once, then evenly."""

from __future__ import annotations

import pytest

from services.gateway.edge.limits import Limiter, OverLimit


def test_a_minutes_worth_may_come_at_once_and_no_more() -> None:
    limiter = Limiter("user", 3)

    left = [limiter.take("ada", 100.0) for _ in range(3)]
    with pytest.raises(OverLimit) as refused:
        limiter.take("ada", 100.0)

    assert [one.left for one in left if one] == [2, 1, 0]
    assert refused.value.retry_after_s == pytest.approx(20)
    assert refused.value.allowance.headers["RateLimit-Policy"] == '"user";q=3;w=60'


def test_the_bucket_refills_evenly() -> None:
    limiter = Limiter("user", 3)
    for _ in range(3):
        limiter.take("ada", 100.0)

    assert limiter.take("ada", 120.0)
    with pytest.raises(OverLimit):
        limiter.take("ada", 120.0)
    assert limiter.take("ada", 1000.0) == Limiter("user", 3).take("bob", 0.0)


def test_callers_do_not_share() -> None:
    limiter = Limiter("user", 1)
    limiter.take("ada", 0.0)

    assert limiter.take("bob", 0.0)


def test_zero_means_no_limit() -> None:
    limiter = Limiter("user", 0)

    assert {limiter.take("ada", 0.0) for _ in range(1000)} == {None}
