"""Whatever happens to the places of an event, in whatever order: a simple model agrees with twin and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.kit.errors import Refusal
from services.kit.ids import new_id
from services.ticket.domain.hold import Extension, GiveBack, Hold, Order, Quantity, Sale
from services.ticket.ports import Inventory, Store
from tests.conftest import Stores
from tests.twins.ticket_events import USER, hall, order
from tests.twins.ticket_shop import Shop, shop_over

ROWS = {"1": 3, "2": 2}
STANDING = 4
SEATS = [f"A-{row}-{number}" for row, seats in ROWS.items() for number in range(1, seats + 1)]
FEW = settings(max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass
class ModelHold:
    order: Order
    state: str
    seats: tuple[str, ...] = ()
    standing: int = 0


@dataclass
class World:
    """One shop for all runs of the machine; each run has an event of its own."""

    runner: asyncio.Runner
    shop: Shop

    def do[R](self, work: Coroutine[Any, Any, R]) -> R:
        return self.runner.run(work)


@pytest.fixture
def world(real_stores: Stores | None) -> Iterator[World]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        shop = runner.run(stack.enter_async_context(shop_over(real_stores)))
        yield World(runner, shop)
        runner.run(stack.aclose())


class ProcessDied(Exception):
    pass


class DyingStore:
    """A store whose every transaction is cut off at its end."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Inventory]:
        async with self._store.transaction() as tx:
            yield tx
            raise ProcessDied


wanted = st.fixed_dictionaries(
    {
        "seats": st.lists(st.sampled_from(SEATS), max_size=3, unique=True),
        "best": st.integers(0, 2),
        "standing": st.integers(0, 3),
    }
).filter(lambda one: one["seats"] or one["best"] or one["standing"])


class Places(RuleBasedStateMachine):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.shop = world, world.shop
        self.holds: dict[str, ModelHold] = {}
        self.tickets: dict[str, list[str]] = {}

    @initialize()
    def open(self) -> None:
        self.layout = self.world.do(self.shop.open(hall(rows=ROWS, standing=STANDING)))

    @rule(orders=st.lists(wanted, min_size=1, max_size=4))
    def reserve(self, orders: list[dict[str, Any]]) -> None:
        made = [self._order(one) for one in orders]

        outcomes = self.world.do(self.shop.handlers.reserve(made))

        for one, outcome in zip(made, outcomes, strict=True):
            self._expect_reserved(one, outcome)

    @precondition(lambda self: self.holds)
    @rule(choice=st.data())
    def reserve_again(self, choice: st.DataObject) -> None:
        key = self._choose(choice)
        known = self.holds[key]
        free_again = known.state == "expired" and self._is_free(known)

        (outcome,) = self.world.do(self.shop.handlers.reserve([known.order]))

        if known.state == "released":
            assert isinstance(outcome, Refusal)
            assert outcome.reason == "hold-released"
        elif known.state in {"held", "sold"} or free_again:
            assert isinstance(outcome, Hold)
            assert tuple(place.seat_id for place in outcome.places if place.seat_id) == known.seats
            known.state = "held" if free_again else known.state
        else:
            assert isinstance(outcome, Refusal)
            assert outcome.reason == "seat-taken"

    @precondition(lambda self: self.holds)
    @rule(choice=st.data())
    def confirm(self, choice: st.DataObject) -> None:
        keys = [self._choose(choice) for _ in range(choice.draw(st.integers(1, 3)))]

        outcomes = self.world.do(self.shop.handlers.confirm([Sale(key, "booking", USER) for key in keys]))

        for key, outcome in zip(keys, outcomes, strict=True):
            known = self.holds[key]
            if known.state == "released":
                assert isinstance(outcome, Refusal)
                assert outcome.reason == "hold-released"
            elif known.state == "expired" and not self._is_free(known):
                assert isinstance(outcome, Refusal)
                assert outcome.reason == "hold-expired"
            else:
                assert not isinstance(outcome, Refusal)
                known.state = "sold"
                ids = [signed.ticket.ticket_id for signed in outcome]
                assert self.tickets.setdefault(key, ids) == ids
                assert len(ids) == len(known.seats) + known.standing

    @precondition(lambda self: self.holds)
    @rule(choice=st.data())
    def release(self, choice: st.DataObject) -> None:
        keys = [self._choose(choice) for _ in range(choice.draw(st.integers(1, 3)))]

        freed = self.world.do(self.shop.handlers.release([GiveBack(key, "") for key in keys]))

        for key, count in zip(keys, freed, strict=True):
            known = self.holds[key]
            assert count == (len(known.seats) + known.standing if known.state in {"held", "sold"} else 0)
            known.state = "released"

    @precondition(lambda self: self.holds)
    @rule(choice=st.data(), seconds=st.integers(60, 600))
    def extend(self, choice: st.DataObject, seconds: int) -> None:
        key = self._choose(choice)
        known = self.holds[key]
        free_again = known.state == "expired" and self._is_free(known)
        until = datetime.now(UTC) + timedelta(days=3650, seconds=seconds)

        (outcome,) = self.world.do(self.shop.handlers.extend([Extension(key, until)]))

        if known.state == "released" or (known.state == "expired" and not free_again):
            assert isinstance(outcome, Refusal)
            assert outcome.reason == ("hold-released" if known.state == "released" else "hold-expired")
        else:
            assert isinstance(outcome, Hold)
            assert outcome.expires_at == (None if known.state == "sold" else until)
            known.state = "held" if free_again else known.state

    @rule(one=wanted)
    def give_back_before_it_was_asked_for(self, one: dict[str, Any]) -> None:
        late = self._order(one)

        freed = self.world.do(self.shop.handlers.release([GiveBack(late.key, late.event_id)]))
        (outcome,) = self.world.do(self.shop.handlers.reserve([late]))

        assert freed == [0]
        assert isinstance(outcome, Refusal)
        assert outcome.reason == "hold-released"
        self.holds[late.key] = ModelHold(late, "released")

    @rule(choice=st.data(), one=wanted)
    def crash(self, choice: st.DataObject, one: dict[str, Any]) -> None:
        """The process dies after it has written and before it commits: nothing has happened."""
        dying = Shop(DyingStore(self.shop.store)).handlers
        keys = [self._choose(choice)] if self.holds else []
        until = datetime.now(UTC) + timedelta(days=3650)
        works: list[Coroutine[Any, Any, object]] = [dying.reserve([self._order(one)])]
        if keys:
            works += [
                dying.confirm([Sale(key, "booking", USER) for key in keys]),
                dying.release([GiveBack(key, "") for key in keys]),
                dying.extend([Extension(key, until) for key in keys]),
            ]

        for work in works:
            with pytest.raises(ProcessDied):
                self.world.do(work)

    @precondition(lambda self: any(one.state == "held" for one in self.holds.values()))
    @rule(choice=st.data())
    def expire(self, choice: st.DataObject) -> None:
        key = choice.draw(st.sampled_from([key for key, one in self.holds.items() if one.state == "held"]))

        self.world.do(self.shop.let_time_pass(key))
        while self.world.do(self.shop.handlers.expire_holds()):
            pass

        self.holds[key].state = "expired"

    @invariant()
    def every_place_is_as_the_model_says(self) -> None:
        states = dict.fromkeys(SEATS, "f")
        standing: Counter[str] = Counter()
        for one in self.holds.values():
            if one.state in {"held", "sold"}:
                for seat_id in one.seats:
                    assert states[seat_id] == "f", "two holds have one seat"
                    states[seat_id] = one.state[0]
                standing[one.state] += one.standing
        assert standing.total() <= STANDING
        snapshot = self.world.do(self.shop.store.snapshot(self.layout.event.event_id))
        assert snapshot is not None
        seated, floor = snapshot.places["A"], snapshot.places["FLOOR"]
        assert "".join(row.states for row in seated.rows) == "".join(states.values())
        assert (floor.held, floor.sold) == (standing["held"], standing["sold"])
        assert (seated.held, seated.sold) == (seated_as("h", states), seated_as("s", states))

    def teardown(self) -> None:
        assert self.world.do(self.shop.contradictions(self.layout)) == []

    def _order(self, one: dict[str, Any]) -> Order:
        quantities = {name: one[field] for name, field in (("A", "best"), ("FLOOR", "standing")) if one[field]}
        made = order(self.layout, *one["seats"], key=new_id())
        return replace(made, quantities=tuple(Quantity(name, count) for name, count in quantities.items()))

    def _expect_reserved(self, one: Order, outcome: Hold | Refusal) -> None:
        taken, standing = self._taken()
        by_number = {quantity.section_id: quantity.quantity for quantity in one.quantities}
        too_many_seats = len(taken) + len(one.seat_ids) + by_number.get("A", 0) > len(SEATS)
        if taken & set(one.seat_ids):
            expected = "seat-taken"
        elif too_many_seats or standing + by_number.get("FLOOR", 0) > STANDING:
            expected = "sold-out"
        else:
            assert isinstance(outcome, Hold)
            seats = tuple(place.seat_id for place in outcome.places if place.seat_id)
            assert seats[: len(one.seat_ids)] == one.seat_ids
            assert len(set(seats)) == len(one.seat_ids) + by_number.get("A", 0)
            assert not taken & set(seats)
            self.holds[one.key] = ModelHold(one, "held", seats, by_number.get("FLOOR", 0))
            return
        assert isinstance(outcome, Refusal)
        assert outcome.reason == expected

    def _taken(self) -> tuple[set[str], int]:
        owned = [one for one in self.holds.values() if one.state in {"held", "sold"}]
        return {seat_id for one in owned for seat_id in one.seats}, sum(one.standing for one in owned)

    def _is_free(self, known: ModelHold) -> bool:
        taken, standing = self._taken()
        return not taken & set(known.seats) and standing + known.standing <= STANDING

    def _choose(self, choice: st.DataObject) -> str:
        return choice.draw(st.sampled_from(list(self.holds)))


def seated_as(state: str, states: dict[str, str]) -> int:
    return sum(one == state for one in states.values())


def test_no_order_of_events_sells_a_place_twice(world: World) -> None:
    run_state_machine_as_test(lambda: Places(world), settings=FEW)
