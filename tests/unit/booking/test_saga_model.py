"""Whatever buyers, the bank, organisers and fate do to a few bookings: the end is one of those that are allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from services.booking import conductor, handlers
from services.booking.domain import NotCancellable, NotPayable, Status, TooManyCards
from tests.twins.saga_checks import violations
from tests.twins.saga_wire import MESSAGE_FAULTS, PSP_FAULTS, WRITE_FAULTS, Faults
from tests.twins.saga_world import SEATS, World
from tests.twins.virtual_time import VirtualLoop

GOOD, DECLINED, THREE_D_SECURE = "pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_authenticationRequired"
FAULTS = {"message": MESSAGE_FAULTS, "write": WRITE_FAULTS, "psp": PSP_FAULTS}
FEW = settings(max_examples=40, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass
class Wish:
    """What a buyer asked for, and all that may have bearing on it."""

    seat: int
    cards: list[str]
    cancelled: bool = False
    approved: bool = False
    booking_id: str = ""
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def may_end(self, *, rivals: bool, event_cancelled: bool) -> set[Status]:
        paid = self.approved or GOOD in self.cards
        allowed = {Status.CONFIRMED} if paid and not event_cancelled else set()
        if rivals or event_cancelled or GOOD not in self.cards[:1]:
            # Somebody else's seat, an event that is off, a card that is declined, a bank that is not answered in time.
            allowed |= {Status.REJECTED}
        if self.cancelled or event_cancelled:
            allowed |= {Status.CANCELLED}
        if self.approved:
            # After its time, when the seat was gone.
            allowed |= {Status.CANCELLED, Status.REJECTED}
        return allowed


class Bookings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.stack = AsyncExitStack()
        self.faults = Faults({})
        self.planned: dict[tuple[str, int], str] = {}
        self.faults.planned = self.planned
        self.world: World = self._do(self._opened())
        self.wishes: list[Wish] = []
        self.event_cancelled = False

    async def _opened(self) -> World:
        return await self.stack.enter_async_context(World(self.faults).open())

    def _do[R](self, work: Coroutine[Any, Any, R]) -> R:
        return self.runner.run(work)

    def _meanwhile(self, wish: Wish, work: Coroutine[Any, Any, Any]) -> None:
        """It goes on while other things happen."""

        async def begun() -> None:
            wish.tasks.append(asyncio.ensure_future(work))
            await asyncio.sleep(0.01)

        self._do(begun())

    @rule(seat=st.integers(1, SEATS), card=st.sampled_from([GOOD, DECLINED, THREE_D_SECURE, ""]))
    def order(self, seat: int, card: str) -> None:
        wish = Wish(seat, [card])

        async def ordered() -> None:
            booking = await self.world.order(seat, card=card, user_id=f"u{len(self.wishes)}")
            wish.booking_id = booking.id

        self.wishes.append(wish)
        self._meanwhile(wish, ordered())

    @rule(seconds=st.sampled_from([0.05, 0.5, 4.0, 20.0, 70.0]))
    def wait(self, seconds: float) -> None:
        self._do(asyncio.sleep(seconds))

    @rule(kind=st.sampled_from(sorted(FAULTS)), soon=st.integers(1, 3), choice=st.data())
    def go_wrong_soon(self, kind: str, soon: int, choice: st.DataObject) -> None:
        self.planned[kind, self.faults.passed.get(kind, 0) + soon] = choice.draw(st.sampled_from(FAULTS[kind]))

    @rule(name=st.sampled_from(["one", "two"]))
    def kill(self, name: str) -> None:
        if name in self.world.desks:
            self.world.desks[name].process.alive = False

    @precondition(lambda self: self._known())
    @rule(choice=st.data(), approved=st.booleans())
    def bank(self, choice: st.DataObject, approved: bool) -> None:
        wish = choice.draw(st.sampled_from(self._known()))
        if any(one.booking_id == wish.booking_id for one in self.world.psp.state.values()):
            wish.approved |= approved
            self._do(self.world.bank(wish.booking_id, approved=approved, which=-1))

    @precondition(lambda self: self._known())
    @rule(choice=st.data(), card=st.sampled_from([GOOD, DECLINED, THREE_D_SECURE]))
    def pay(self, choice: st.DataObject, card: str) -> None:
        wish = choice.draw(st.sampled_from(self._known()))
        wish.cards.append(card)
        user_id = self.world.booking(wish.booking_id).order.user_id
        self._meanwhile(wish, self.world.ask("pay", wish.booking_id, card, user_id=user_id))

    @precondition(lambda self: self._known())
    @rule(choice=st.data())
    def cancel(self, choice: st.DataObject) -> None:
        wish = choice.draw(st.sampled_from(self._known()))
        wish.cancelled = True
        self._meanwhile(wish, self.world.ask("cancel", wish.booking_id, user_id=""))

    @precondition(lambda self: self.wishes and not self.event_cancelled)
    @rule(seconds=st.sampled_from([0.0, 5.0]))
    def cancel_event(self, seconds: float) -> None:
        self.event_cancelled = True
        self._meanwhile(self.wishes[0], self.world.cancel_event())
        self._do(asyncio.sleep(seconds))

    def _known(self) -> list[Wish]:
        return [wish for wish in self.wishes if wish.booking_id]

    def teardown(self) -> None:
        try:
            self._do(self._judged())
        except BaseException as failure:
            failure.add_note("\n".join(self.faults.story))
            raise
        finally:
            self._do(self.stack.aclose())
            self.runner.close()

    async def _judged(self) -> None:
        self.planned.clear()
        for wish in self.wishes:
            for task in wish.tasks:
                try:
                    async with asyncio.timeout(300):
                        await task
                except (NotPayable, NotCancellable, TooManyCards):
                    continue
        await self.world.settle()
        assert violations(self.world) == []
        for wish in self.wishes:
            rivals = sum(one.seat == wish.seat for one in self.wishes) > 1
            ended = self.world.booking(wish.booking_id)
            allowed = wish.may_end(rivals=rivals, event_cancelled=self.event_cancelled)
            assert ended.status in allowed, f"{ended.status} {ended.reason}, allowed {allowed}: {wish}"


def test_no_order_of_events_leaves_seats_or_money_where_they_do_not_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conductor, "LOOK_S", 3.0)
    monkeypatch.setattr(handlers, "LOOK_S", 3.0)

    run_state_machine_as_test(Bookings, settings=FEW)
