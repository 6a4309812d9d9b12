"""The way of an entry through the worker, with its neighbours in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from services.booking_worker.domain import Decided, Entry, Line, Outcome, Status, Undecided, Verdict
from services.booking_worker.handlers import WorkerHandlers
from services.booking_worker.lines import Lines
from services.booking_worker.telling import Teller
from services.kit.errors import DependencyDown, Invalid
from tests.unit.booking_worker.test_domain import entry

CONFIRMED = Decided(Status.CONFIRMED, booking=b"booking")


class Neighbours:
    """Queue, booking, stream and realtime at once."""

    def __init__(self) -> None:
        self.submitted: list[Entry] = []
        self.told: list[tuple[str, Status]] = []
        self.settled: dict[str, list[str]] = {}
        self.served: dict[str, int] = {}
        self.unwanted: set[str] = set()
        self.unliked: set[str] = set()
        self.redis_away, self.realtime_away, self.knows = 0, False, True
        self.lines = Lines(per_event=10, overall=100)
        self.teller = Teller(self, left_alone_s=0)
        self.handlers = WorkerHandlers(self, self.lines, self, self.teller, max_tries=2, linger_s=0)
        self.handlers.orders = self
        self.lines.open(Line("e", held_until=float("inf")))

    def submit(self, entries: Sequence[Entry]) -> None:
        self.submitted += entries

    def forget(self, booking_ids: Collection[str]) -> None: ...

    async def cancelled(self, booking_ids: Sequence[str]) -> Collection[str]:
        return self.unwanted & set(booking_ids)

    async def cancel(self, one: Entry) -> Outcome | None:
        return Decided(Status.CANCELLED, "cancelled-by-buyer", b"booking")

    async def known(self, one: Entry) -> bool:
        return self.knows

    async def tell(self, results: Sequence[tuple[Entry, Decided]]) -> None:
        if self.realtime_away:
            raise DependencyDown("realtime")
        if any(one.booking_id in self.unliked for one, _ in results):
            raise Invalid("user_id: no")
        self.told += [(one.booking_id, decided.status) for one, decided in results]

    async def settle(self, verdicts: Mapping[str, Sequence[Verdict]], served: Mapping[str, int]) -> None:
        if self.redis_away:
            self.redis_away -= 1
            raise DependencyDown("redis")
        for event_id, of_event in verdicts.items():
            self.settled.setdefault(event_id, []).extend(one.entry.booking_id for one in of_event)
        self.served |= served


@pytest.fixture
def here() -> Neighbours:
    return Neighbours()


async def test_orders_go_to_booking_in_order_and_once(here: Neighbours) -> None:
    await here.handlers.entries_read([entry(1), entry(2)])
    await here.handlers.entries_read([entry(2), entry(3)])

    assert here.submitted == [entry(1), entry(2), entry(3)]


async def test_entries_of_a_line_that_is_not_ours_are_left_alone(here: Neighbours) -> None:
    await here.handlers.entries_read([entry(1, event_id="other")])

    assert here.submitted == []


async def test_an_outcome_settles_every_entry_of_its_booking(here: Neighbours) -> None:
    await here.handlers.entries_read([entry(1), entry(2, booking_id="b1")])

    await here.handlers.settle([("b1", CONFIRMED)])

    assert here.settled == {"e": ["b1", "b1"]}
    assert here.served == {"e": 2}
    assert here.lines.in_flight == 0


async def test_outcomes_out_of_order_are_served_in_order(here: Neighbours) -> None:
    await here.handlers.entries_read([entry(1), entry(2), entry(3)])

    await here.handlers.settle([("b3", CONFIRMED), ("b2", CONFIRMED)])
    assert here.served == {"e": 0}
    await here.handlers.settle([("b1", CONFIRMED)])

    assert here.served == {"e": 3}


async def test_an_outcome_nobody_waits_for_is_ignored(here: Neighbours) -> None:
    await here.handlers.settle([("stranger", CONFIRMED)])

    assert here.settled == {}


async def test_a_sold_order_its_buyer_cancelled_is_told_as_cancelled(here: Neighbours) -> None:
    await here.handlers.entries_read([entry(1)])
    here.unwanted.add("b1")

    await here.handlers.settle([("b1", CONFIRMED)])

    assert here.told == [("b1", Status.CANCELLED)]


async def test_one_result_that_realtime_refuses_keeps_none_of_the_others(here: Neighbours) -> None:
    await here.handlers.entries_read([entry(1), entry(2), entry(3)])
    here.unliked.add("b2")

    await here.handlers.settle([(f"b{number}", CONFIRMED) for number in (1, 2, 3)])

    assert [booking_id for booking_id, _ in here.told] == ["b1", "b3"]
    assert here.settled == {"e": ["b1", "b2", "b3"]}


async def test_without_realtime_entries_leave_all_the_same(here: Neighbours) -> None:
    await here.handlers.entries_read([entry(1)])
    here.realtime_away = True

    await here.handlers.settle([("b1", CONFIRMED)])

    assert here.settled == {"e": ["b1"]}


async def test_what_nobody_else_tells_is_told_when_realtime_is_back(here: Neighbours) -> None:
    await here.handlers.entries_read([entry(1), entry(2), entry(3)])
    here.realtime_away = True
    refused = Decided(Status.REJECTED, "malformed-order")
    await here.handlers.settle([("b1", CONFIRMED), ("b2", refused), ("b3", refused)])

    await here.teller.tell_again()
    here.realtime_away = False
    await here.teller.tell_again()
    await here.teller.tell_again()

    assert here.told == [("b2", Status.REJECTED), ("b3", Status.REJECTED)]


async def test_without_redis_outcomes_wait(here: Neighbours) -> None:
    await here.handlers.entries_read([entry(1)])
    here.redis_away = 2

    await here.handlers.settle([("b1", CONFIRMED)])

    assert here.settled == {"e": ["b1"]}


async def test_while_an_order_is_to_be_sent_again_nobody_overtakes_it(here: Neighbours) -> None:
    line = here.lines.find("e")
    assert line is not None
    line.opened = True
    await here.handlers.entries_read([entry(1)])

    await here.handlers.settle([("b1", Undecided("busy"))])

    assert here.lines.readable(now=0) == []
    assert here.settled == {}


@pytest.mark.parametrize(("knows", "told"), [(False, [("b1", Status.REJECTED)]), (True, [])])
async def test_the_last_word_on_an_undecided_order_is_no_lie(
    here: Neighbours, knows: bool, told: list[tuple[str, Status]]
) -> None:
    here.knows = knows
    await here.handlers.entries_read([entry(1)])

    for _ in range(2):
        await here.handlers.settle([("b1", Undecided("busy"))])

    assert here.told == told
    assert here.settled == {"e": ["b1"]}
