"""Natural batching: order, bounds, and failures that stay where they belong."""

import asyncio
from collections.abc import Sequence

import pytest

from services.kit.batching import Batcher
from services.kit.errors import Overloaded
from services.kit.rpc import deadline


class Recorder:
    """Works batches only when told to, and remembers them."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()

    async def work(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(items))
        await self.gate.wait()
        return [ValueError(str(item)) if item < 0 else item * 10 for item in items]


async def test_while_one_batch_is_worked_the_next_gathers_in_order() -> None:
    recorder = Recorder()
    batcher: Batcher[int, int] = Batcher(recorder.work, name="test")
    first = asyncio.create_task(batcher(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(batcher(item)) for item in (2, 3, 4)]
    await asyncio.sleep(0)

    recorder.gate.set()

    assert await asyncio.gather(first, *rest) == [10, 20, 30, 40]
    assert recorder.batches == [[1], [2, 3, 4]]


async def test_a_batch_is_no_larger_than_its_bound() -> None:
    recorder = Recorder()
    recorder.gate.set()
    batcher: Batcher[int, int] = Batcher(recorder.work, name="test", max_batch=2)

    await asyncio.gather(*(batcher(item) for item in range(5)))

    assert max(map(len, recorder.batches)) == 2


async def test_more_than_may_wait_is_turned_away() -> None:
    recorder = Recorder()
    batcher: Batcher[int, int] = Batcher(recorder.work, name="test", max_batch=1, max_waiting=2)
    waiting = [asyncio.create_task(batcher(item)) for item in (1, 2)]
    await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await asyncio.gather(*(batcher(item) for item in (3, 4)))

    recorder.gate.set()
    await asyncio.gather(*waiting)


async def test_one_bad_item_fails_alone() -> None:
    recorder = Recorder()
    recorder.gate.set()
    batcher: Batcher[int, int] = Batcher(recorder.work, name="test")

    good, bad = await asyncio.gather(batcher(1), batcher(-1), return_exceptions=True)

    assert good == 10
    assert isinstance(bad, ValueError)


async def test_when_the_work_itself_fails_everybody_hears_it() -> None:
    async def fail(items: Sequence[int]) -> Sequence[int | Exception]:
        raise ConnectionError("gone")

    batcher: Batcher[int, int] = Batcher(fail, name="test")

    outcomes = await asyncio.gather(batcher(1), batcher(2), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [ConnectionError, ConnectionError]


async def test_a_caller_who_leaves_does_not_stop_the_others() -> None:
    recorder = Recorder()
    batcher: Batcher[int, int] = Batcher(recorder.work, name="test")
    leaver, stayer = asyncio.create_task(batcher(1)), asyncio.create_task(batcher(2))
    await asyncio.sleep(0)

    leaver.cancel()
    recorder.gate.set()

    assert await stayer == 20


async def test_a_slow_batch_in_one_lane_does_not_hold_up_the_other() -> None:
    gates = {1: asyncio.Event(), 2: asyncio.Event()}
    begun = asyncio.Event()

    async def work(items: Sequence[int]) -> Sequence[int | Exception]:
        begun.set()
        await gates[items[0]].wait()
        return list(items)

    batcher: Batcher[int, int] = Batcher(work, name="test", lanes=2)
    slow = asyncio.create_task(batcher(1))
    await begun.wait()
    gates[2].set()

    assert await batcher(2) == 2
    assert not slow.done()

    gates[1].set()
    assert await slow == 1


async def test_a_batch_does_not_end_at_the_deadline_of_its_first_caller() -> None:
    left: list[float] = []

    async def work(items: Sequence[int]) -> Sequence[int | Exception]:
        left.append(deadline.remaining_s(5.0))
        return list(items)

    deadline.begin(0.01)

    await Batcher(work, name="test")(1)

    assert left == [5.0]


async def test_a_kind_that_many_ask_for_makes_another_wait_for_a_batch_and_no_longer() -> None:
    batches: list[list[str]] = []

    async def work(items: Sequence[str]) -> Sequence[str]:
        batches.append(list(items))
        await asyncio.sleep(0)
        return items

    batcher = Batcher(work, name="fair", max_batch=10)
    hot = [asyncio.create_task(batcher(f"hot {number}", of="hot")) for number in range(1000)]
    await asyncio.sleep(0)
    quiet = [asyncio.create_task(batcher(f"quiet {number}", of="quiet")) for number in range(3)]
    await asyncio.gather(*hot, *quiet)

    found = next(number for number, batch in enumerate(batches) if "quiet 2" in batch)
    assert found <= 2
    assert [one for batch in batches for one in batch if one.startswith("hot")] == [f"hot {n}" for n in range(1000)]
    assert [one for batch in batches for one in batch if one.startswith("quiet")] == [f"quiet {n}" for n in range(3)]
