"""An order is believed when its buyer ordered it, however long it waited, and when it is that order."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from protos.gen import booking_pb2 as pb
from services.booking.proofs import OrderNotProven, Proofs
from services.kit.errors import NotNow
from services.kit.ids import first_id_at
from tests.twins.vouching import Voucher

HOUR_S = 3600.0
TWIN = Voucher()


@pytest.fixture
def proofs() -> Proofs:
    return Proofs(TWIN.jwks, required=True)


async def test_an_order_of_its_buyer_is_believed(proofs: Proofs) -> None:
    await proofs.check(TWIN.order("ada"))


async def test_an_order_that_waited_for_hours_is_believed(proofs: Proofs) -> None:
    then = time.time() - 5 * HOUR_S
    word = TWIN.word("ada", at=then)

    await proofs.check(TWIN.order("ada", booking_id=first_id_at(datetime.fromtimestamp(then, UTC)), word=word))


async def test_how_it_waited_and_its_trace_are_not_part_of_the_order(proofs: Proofs) -> None:
    order = TWIN.order("ada")
    order.waited.number, order.traceparent = 7, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    await proofs.check(order)


def another_buyer(order: pb.CreateBookingRequest) -> None:
    order.user_id = "eve"


def another_seat(order: pb.CreateBookingRequest) -> None:
    order.seat_ids[1] = "A-1-3"


def seats_joined(order: pb.CreateBookingRequest) -> None:
    del order.seat_ids[:]
    order.seat_ids.append("A-1-1A-1-2")


def another_card(order: pb.CreateBookingRequest) -> None:
    order.payment_method = "pm_of_somebody_else"


def another_booking(order: pb.CreateBookingRequest) -> None:
    order.booking_id = TWIN.order("ada").booking_id


def more_places(order: pb.CreateBookingRequest) -> None:
    order.quantities.add(section_id="B", quantity=2)


def no_proof(order: pb.CreateBookingRequest) -> None:
    order.ClearField("proof")


def old_word(order: pb.CreateBookingRequest) -> None:
    order.CopyFrom(TWIN.order("ada", word=TWIN.word("ada", at=time.time() - HOUR_S)))


def word_for_another_service(order: pb.CreateBookingRequest) -> None:
    order.CopyFrom(TWIN.order("ada", word=TWIN.word("ada", "payment")))


def strangers_word(order: pb.CreateBookingRequest) -> None:
    order.CopyFrom(Voucher().order("ada"))


def strangers_signature(order: pb.CreateBookingRequest) -> None:
    order.proof.signature = Voucher().order("ada", booking_id=order.booking_id).proof.signature


FORGERIES = [
    *(another_buyer, another_seat, seats_joined, another_card, another_booking, more_places, no_proof),
    *(old_word, word_for_another_service, strangers_word, strangers_signature),
]


@pytest.mark.parametrize("forge", FORGERIES)
async def test_anything_else_is_refused(proofs: Proofs, forge: Callable[[pb.CreateBookingRequest], None]) -> None:
    order = TWIN.order("ada")
    forge(order)

    with pytest.raises(OrderNotProven):
        await proofs.check(order)


async def test_where_proofs_are_not_required_a_wrong_one_is_refused_all_the_same() -> None:
    lenient = Proofs(TWIN.jwks, required=False)
    bare, wrong = TWIN.order("ada"), TWIN.order("ada")
    bare.ClearField("proof")
    wrong.user_id = "eve"

    await lenient.check(bare)
    with pytest.raises(OrderNotProven):
        await lenient.check(wrong)


async def test_an_order_stands_for_its_own_booking_alone(proofs: Proofs) -> None:
    order = TWIN.order("ada")
    own = pb.CancelBookingRequest(booking_id=order.booking_id, order=order)
    others = pb.CancelBookingRequest(booking_id=TWIN.order("ada").booking_id, order=order)

    assert await proofs.owner(own) == "ada"
    with pytest.raises(OrderNotProven):
        await proofs.owner(others)


async def test_nobody_is_refused_while_auth_is_away() -> None:
    async def away() -> str:
        raise NotNow("auth does not answer")

    with pytest.raises(NotNow):
        await Proofs(away, required=True).check(TWIN.order("ada"))
