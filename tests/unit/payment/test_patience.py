"""The slowest few do not hold up the rest."""

import asyncio

import pytest

from services.kit.money import Money
from services.payment.domain import Intent, Status
from services.payment.ports import PspDown
from services.payment.psp.patience import answers_in_time

ANSWER = Intent(ref="pi_1", status=Status.SUCCEEDED, amount=Money(1, "EUR"))


async def quick() -> Intent:
    return ANSWER


async def broken() -> Intent:
    raise ValueError


async def never() -> Intent:
    await asyncio.Event().wait()
    return ANSWER


async def test_the_quick_ones_are_not_held_up_by_the_slow() -> None:
    answers = await answers_in_time([quick(), never(), broken(), quick()], limit_s=60, patience_s=0.01)

    assert [type(answer) for answer in answers] == [Intent, PspDown, ValueError, Intent]


async def test_when_all_are_slow_the_limit_holds() -> None:
    answers = await answers_in_time([never(), never()], limit_s=0.02, patience_s=0.01)

    assert [type(answer) for answer in answers] == [PspDown, PspDown]


async def test_whoever_stops_waiting_leaves_nothing_behind() -> None:
    async def tasks() -> set[str]:
        return {task.get_name() for task in asyncio.all_tasks()}

    waiting = asyncio.create_task(answers_in_time([never()], limit_s=60, patience_s=60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert "psp-call" not in await tasks()
