"""What a booking becomes is told to the world with all that whoever hears it needs."""

from datetime import UTC, datetime

from protos.gen import messages_pb2 as messages
from services.booking.domain import Booking, NextAction, Order, Status
from services.booking.facts import fact_of

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_booking_that_waits_for_its_payment_says_what_to_do() -> None:
    order = Order(booking_id="b", user_id="u", event_id="e", payment_method="pm_card_visa", seat_ids=("A-1-1",))
    action = NextAction(type="redirect", url="https://bank.example")
    booking = Booking(
        order=order,
        status=Status.AWAITING_PAYMENT,
        created_at=NOW,
        updated_at=NOW,
        expires_at=NOW,
        next_action=action,
    )

    body = fact_of(booking).body

    assert isinstance(body, messages.BookingAwaitingPayment)
    assert (body.next_action.type, body.next_action.url) == ("redirect", "https://bank.example")
