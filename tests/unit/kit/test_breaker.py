"""A peer of which nothing comes back is left alone, and tried again with one call."""

from __future__ import annotations

import pytest

from services.kit.rpc.breaker import FAILURES, LONGEST_S, PAUSE_S, WINDOW_S, Breaker, CircuitOpen


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("booking", "ticket", clock=clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(trial=breaker.admit())


def is_open(breaker: Breaker) -> bool:
    try:
        breaker.left(trial=breaker.admit())
    except CircuitOpen:
        return True
    return False


def test_calls_go_until_there_were_too_many_failures(breaker: Breaker) -> None:
    fail(breaker, FAILURES - 1)
    assert not is_open(breaker)

    fail(breaker, 1)

    with pytest.raises(CircuitOpen) as kept_back:
        breaker.admit()
    assert kept_back.value.reason == "dependency-down"
    assert 0 < (kept_back.value.retry_after_s or 0) <= PAUSE_S


def test_failures_among_many_answers_are_no_reason(breaker: Breaker) -> None:
    for _ in range(5 * FAILURES):
        breaker.answered(trial=breaker.admit())
        breaker.answered(trial=breaker.admit())
        fail(breaker, 1)

    assert not is_open(breaker)


def test_failures_of_long_ago_are_forgotten(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES - 1)
    clock.now += WINDOW_S + 1

    fail(breaker, FAILURES - 1)

    assert not is_open(breaker)


def test_after_the_pause_one_call_goes_and_its_answer_lets_all_go(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += PAUSE_S

    trial = breaker.admit()
    assert trial
    assert is_open(breaker), "others wait for the trial"
    breaker.answered(trial=trial)

    assert not is_open(breaker)
    fail(breaker, FAILURES - 1)
    assert not is_open(breaker), "it begins anew"


def test_each_trial_that_fails_makes_the_pause_longer_up_to_a_bound(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    pauses = []
    for _ in range(6):
        began = clock.now
        while is_open(breaker):
            clock.now += PAUSE_S / 2
        pauses.append(clock.now - began)
        fail(breaker, 1)

    assert pauses[:3] == [PAUSE_S, 2 * PAUSE_S, 4 * PAUSE_S]
    assert pauses[-1] == LONGEST_S


def test_a_trial_whose_caller_left_is_followed_by_another(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += PAUSE_S

    breaker.left(trial=breaker.admit())

    assert breaker.admit()


def test_answers_to_calls_from_before_do_not_close_it(breaker: Breaker) -> None:
    early = breaker.admit()
    fail(breaker, FAILURES)

    breaker.answered(trial=early)

    assert is_open(breaker)
