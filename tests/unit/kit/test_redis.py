"""What Redis raises when it is away leaves as one word of ours, and is counted."""

import pytest
from prometheus_client import REGISTRY
from redis.exceptions import BusyLoadingError, ConnectionError, ResponseError  # noqa: A004

from services.kit.errors import DependencyDown
from services.kit.redis import redis_errors


def unanswered() -> float:
    return REGISTRY.get_sample_value("redis_unanswered_total") or 0.0


@pytest.mark.parametrize(
    "error", [ConnectionError("reset"), BusyLoadingError("LOADING"), RuntimeError("the handler is closed")]
)
def test_a_command_without_an_answer_is_counted_once(error: Exception) -> None:
    before = unanswered()

    with pytest.raises(DependencyDown), redis_errors():
        raise error

    assert unanswered() - before == 1


def test_an_answer_that_says_no_is_not_counted() -> None:
    before = unanswered()

    with pytest.raises(ResponseError), redis_errors():
        raise ResponseError("WRONGTYPE")

    assert unanswered() == before
