"""One queue for all platforms: a burst is one look, a failure waits longer each time, an edit waits for nothing."""

from __future__ import annotations

import asyncio

import pytest
from ticketing_operator.names import PlatformKey
from ticketing_operator.wakeups import FIRST_DELAY_S, GATHER_S, LONGEST_DELAY_S, Wakeups

KEY, OTHER = PlatformKey("a", "tickets"), PlatformKey("b", "tickets")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> Wakeups:
    return Wakeups(clock, jitter=lambda: 1.0)


async def due(queue: Wakeups) -> PlatformKey | None:
    """Who is due right now."""
    waiting = asyncio.create_task(queue.next())
    await asyncio.sleep(0)
    if waiting.done():
        return waiting.result()
    waiting.cancel()
    return None


async def test_a_burst_of_events_is_one_look(queue: Wakeups, clock: Clock) -> None:
    for _ in range(50):
        queue.wake(KEY)
    assert await due(queue) is None
    clock.now += GATHER_S

    assert await due(queue) == KEY
    assert await due(queue) is None


async def test_what_is_heard_during_a_look_is_looked_at_afterwards_and_never_beside_it(
    queue: Wakeups, clock: Clock
) -> None:
    queue.wake(KEY)
    clock.now += GATHER_S
    await due(queue)

    queue.wake(KEY)
    clock.now += GATHER_S
    beside = await due(queue)
    queue.done(KEY)
    clock.now += GATHER_S

    assert beside is None
    assert await due(queue) == KEY


async def test_what_is_due_later_is_looked_at_then_although_nothing_is_heard(queue: Wakeups, clock: Clock) -> None:
    queue.wake(KEY)
    clock.now += GATHER_S
    await due(queue)

    queue.done(KEY, again_in_s=600.0)
    clock.now += 599.0
    before = await due(queue)
    clock.now += 1.0

    assert before is None
    assert await due(queue) == KEY


async def test_a_failure_waits_twice_as_long_each_time_up_to_a_bound(queue: Wakeups, clock: Clock) -> None:
    waits = []
    queue.wake(KEY)
    clock.now += GATHER_S
    for _ in range(9):
        assert await due(queue) == KEY
        queue.failed(KEY)
        before = clock.now
        while await due(queue) is None:
            clock.now += 0.5
        waits.append(clock.now - before)
        queue.failed(KEY)
        clock.now += LONGEST_DELAY_S
    assert waits[0] == FIRST_DELAY_S
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_DELAY_S


async def test_events_do_not_bring_a_failure_forward_but_an_edit_does(queue: Wakeups, clock: Clock) -> None:
    queue.wake(KEY)
    clock.now += GATHER_S
    await due(queue)
    queue.failed(KEY)

    queue.wake(KEY)
    clock.now += GATHER_S
    by_event = await due(queue)
    queue.wake(KEY, urgent=True)
    clock.now += GATHER_S

    assert by_event is None
    assert await due(queue) == KEY


async def test_one_that_fails_does_not_hold_up_another(queue: Wakeups, clock: Clock) -> None:
    queue.wake(KEY)
    clock.now += GATHER_S
    await due(queue)
    queue.failed(KEY)
    queue.wake(OTHER)
    clock.now += GATHER_S

    assert await due(queue) == OTHER


async def test_one_that_is_gone_is_forgotten_unless_it_was_heard_of_meanwhile(queue: Wakeups, clock: Clock) -> None:
    for heard in (False, True):
        queue.wake(KEY)
        clock.now += GATHER_S
        await due(queue)
        if heard:
            queue.wake(KEY)
        queue.done(KEY, gone=True)
        clock.now += GATHER_S

        assert (await due(queue) == KEY) is heard
