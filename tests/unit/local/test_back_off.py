"""How long a dead process waits."""

from itertools import pairwise

from services.local.back_off import FIRST_S, LONGEST_S, STEADY_S, next_delay_s


def test_first_death_waits_a_second() -> None:
    assert next_delay_s(None, uptime_s=0.1) == FIRST_S


def test_repeated_deaths_wait_longer_up_to_a_bound() -> None:
    delays = [FIRST_S]

    for _ in range(8):
        delays.append(next_delay_s(delays[-1], uptime_s=0.1))

    assert delays[:5] == [1.0, 2.0, 4.0, 8.0, LONGEST_S]
    assert all(later >= sooner for sooner, later in pairwise(delays))
    assert delays[-1] == LONGEST_S


def test_a_steady_run_is_a_fresh_start() -> None:
    assert next_delay_s(LONGEST_S, uptime_s=STEADY_S) == FIRST_S
