"""The saga as a rule: forward, back, and on again after any interruption."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.booking import saga
from services.booking.domain import Booking, Order, Status
from services.booking.saga import Peers, Progress, run
from services.kit.errors import DependencyDown, NotNow
from services.kit.ids import new_id
from services.kit.money import Money
from tests.twins.booking_peers import MemoryPayments, MemoryTickets

AT = datetime(2030, 1, 1, tzinfo=UTC)


class MemoryJournal:
    """Every write, and a crash before the write of that number."""

    def __init__(self, crash_before: int | None = None) -> None:
        self.written: list[Progress] = []
        self._crash_before = crash_before

    async def write(self, progress: Progress) -> None:
        if len(self.written) == self._crash_before:
            raise ProcessDied
        self.written.append(progress)


class ProcessDied(Exception):
    pass


def order(*seats: str, method: str = "pm_card_visa") -> Order:
    return Order(booking_id=new_id(), user_id="u1", event_id="e1", seat_ids=seats or ("A-1-1",), payment_method=method)


def begun(wanted: Order) -> Progress:
    return Progress(booking=Booking(order=wanted, status=Status.PENDING, created_at=AT, updated_at=AT))


@pytest.fixture
def tickets() -> MemoryTickets:
    return MemoryTickets()


@pytest.fixture
def payments() -> MemoryPayments:
    return MemoryPayments()


@pytest.fixture
def peers(tickets: MemoryTickets, payments: MemoryPayments) -> Peers:
    return Peers(tickets, payments, lambda: AT, timedelta(minutes=10))


async def test_an_order_is_reserved_paid_and_confirmed(peers: Peers, tickets: MemoryTickets) -> None:
    progress = await run(begun(order("A-1-1", "A-1-2")), peers, MemoryJournal())

    assert progress.booking.status is Status.CONFIRMED
    assert progress.booking.total == Money(10_000, "EUR")
    assert len(progress.booking.tickets) == 2
    assert set(tickets.sold) == {progress.key("seats")}


async def test_progress_is_written_before_each_step(peers: Peers) -> None:
    journal = MemoryJournal()

    await run(begun(order()), peers, journal)

    assert [(one.step, one.booking.status) for one in journal.written] == [
        (1, Status.PENDING),
        (2, Status.PENDING),
        (2, Status.CONFIRMED),
    ]


async def test_a_declined_card_gives_the_seats_back(peers: Peers, tickets: MemoryTickets) -> None:
    progress = await run(begun(order(method="pm_declined")), peers, MemoryJournal())

    assert progress.booking.status is Status.REJECTED
    assert progress.booking.reason == "card-declined"
    assert tickets.held == {}


async def test_seats_of_somebody_else_are_refused_and_nothing_is_charged(
    peers: Peers, payments: MemoryPayments
) -> None:
    await run(begun(order("A-1-1")), peers, MemoryJournal())

    progress = await run(begun(order("A-1-1")), peers, MemoryJournal())

    assert progress.booking.reason == "seat-taken"
    assert len(payments.charged) == 1


async def test_the_step_that_was_refused_is_undone_too(
    peers: Peers, tickets: MemoryTickets, payments: MemoryPayments
) -> None:
    progress = await run(begun(order(method="pm_declined")), peers, MemoryJournal())

    assert progress.key("payment") in payments.cancelled
    assert progress.key("seats") in tickets.released


async def test_a_free_event_charges_nobody(peers: Peers, tickets: MemoryTickets, payments: MemoryPayments) -> None:
    free = begun(order())
    paying = replace(free, step=saga.PAYMENT_STEP, booking=free.booking.holding((), Money(0, "EUR")))
    await tickets.reserve(free.order, key=free.key("seats"))

    progress = await run(paying, peers, MemoryJournal())

    assert progress.booking.status is Status.CONFIRMED
    assert payments.charged == {}


async def test_a_card_that_needs_its_buyer_waits_with_the_seats_held(peers: Peers, tickets: MemoryTickets) -> None:
    progress = await run(begun(order(method="pm_3ds")), peers, MemoryJournal())

    assert progress.booking.status is Status.AWAITING_PAYMENT
    assert progress.booking.expires_at == AT + timedelta(minutes=10)
    assert tickets.expires[progress.key("seats")] == AT + timedelta(minutes=10) + saga.GRACE


async def test_whoever_paid_goes_on_and_gets_the_tickets(peers: Peers, payments: MemoryPayments) -> None:
    waiting = await run(begun(order(method="pm_3ds")), peers, MemoryJournal())
    payments.buyer_pays(waiting.key("payment"))

    resumed = replace(waiting, booking=waiting.booking.resumed(at=AT), step=saga.PAYMENT_STEP)
    progress = await run(resumed, peers, MemoryJournal())

    assert progress.booking.status is Status.CONFIRMED


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_declined"])
@pytest.mark.parametrize("crash_before", range(6))
async def test_a_process_that_dies_before_any_write_changes_nothing_in_the_end(
    peers: Peers, tickets: MemoryTickets, payments: MemoryPayments, method: str, crash_before: int
) -> None:
    first = begun(order(method=method))
    journal = MemoryJournal(crash_before)
    try:
        await run(first, peers, journal)
    except ProcessDied:
        last = journal.written[-1] if journal.written else first
        journal = MemoryJournal()
        await run(last, peers, journal)

    booking = journal.written[-1].booking
    if method == "pm_declined":
        assert booking.status is Status.REJECTED
        assert (tickets.held, tickets.sold, payments.charged) == ({}, {}, {})
    else:
        assert booking.status is Status.CONFIRMED
        assert set(tickets.sold) == {first.key("seats")}
        assert set(payments.charged) == {first.key("payment")}


class SilentPayments(MemoryPayments):
    """Takes the money and does not answer, as many times as told."""

    def __init__(self, silences: int) -> None:
        super().__init__()
        self._silences = silences

    async def charge(self, booking: Booking, *, key: str) -> saga.Charge:
        charge = await super().charge(booking, key=key)
        if self._silences:
            self._silences -= 1
            raise DependencyDown("payment")
        return charge


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> Sequence[float]:
    pauses = (0.0, 0.0)
    monkeypatch.setattr(saga, "PAUSES_S", pauses)
    return pauses


async def test_a_lost_reply_is_asked_for_again_by_the_same_key(
    tickets: MemoryTickets, no_pauses: Sequence[float]
) -> None:
    payments = SilentPayments(silences=2)

    progress = await run(begun(order()), Peers(tickets, payments, lambda: AT, timedelta(minutes=10)), MemoryJournal())

    assert progress.booking.status is Status.CONFIRMED
    assert len(payments.charged) == 1


async def test_a_peer_that_stays_silent_lets_the_saga_rest_and_not_unwind(
    tickets: MemoryTickets, no_pauses: Sequence[float]
) -> None:
    journal = MemoryJournal()
    peers = Peers(tickets, SilentPayments(silences=99), lambda: AT, timedelta(minutes=10))

    with pytest.raises(NotNow):
        await run(begun(order()), peers, journal)

    assert journal.written[-1].rests == 1
    assert journal.written[-1].rests_until == AT + timedelta(seconds=2)
    assert not journal.written[-1].undoing
    assert tickets.released == set()
