"""Waiting for what has not started yet."""

import pytest

from services.kit.patience import GaveUp, patiently


async def test_it_tries_again_until_it_is_there() -> None:
    refusals = [ConnectionRefusedError("no"), ConnectionRefusedError("no")]

    async def attempt() -> str:
        if refusals:
            raise refusals.pop()
        return "here"

    assert await patiently(attempt, not_yet=(OSError,), every_s=0) == "here"


async def test_it_gives_up_in_bounded_time_and_says_what_was_missing(capsys) -> None:
    async def attempt() -> None:
        raise ConnectionRefusedError("postgres:5432")

    with pytest.raises(GaveUp, match="ConnectionRefusedError: postgres:5432"):
        await patiently(attempt, not_yet=(OSError,), at_most_s=0.02, every_s=0.01)

    assert capsys.readouterr().err.startswith("waiting: ConnectionRefusedError: postgres:5432")


async def test_another_error_is_final() -> None:
    async def attempt() -> None:
        raise PermissionError("password")

    with pytest.raises(PermissionError):
        await patiently(attempt, not_yet=(ConnectionError,), every_s=0)
