"""The state machine of a payment is closed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.money import Money
from services.payment.domain import Intent, NotRefundable, Payment, RefundTooLarge, Status

AT = datetime(2030, 1, 1, tzinfo=UTC)
ALLOWED = {
    (Status.PROCESSING, Status.REQUIRES_ACTION),
    (Status.PROCESSING, Status.SUCCEEDED),
    (Status.PROCESSING, Status.FAILED),
    (Status.PROCESSING, Status.CANCELLED),
    (Status.REQUIRES_ACTION, Status.SUCCEEDED),
    (Status.REQUIRES_ACTION, Status.FAILED),
    (Status.REQUIRES_ACTION, Status.CANCELLED),
    # The buyer paid after we had given up.
    (Status.FAILED, Status.SUCCEEDED),
    (Status.CANCELLED, Status.SUCCEEDED),
}


def payment(status: Status = Status.PROCESSING, card: str = "pm_card_visa") -> Payment:
    return Payment(
        payment_id="p1",
        key="k1",
        booking_id="b1",
        user_id="u1",
        amount=Money(5000, "EUR"),
        payment_method=card,
        description="",
        provider="sandbox",
        status=status,
        created_at=AT,
        updated_at=AT,
    )


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("said", Status)
def test_the_psp_moves_a_payment_forward_only(before: Status, said: Status) -> None:
    one = payment(before)

    after = one.after(Intent(ref="pi_1", status=said, amount=one.amount), at=AT)

    assert after.status is (said if (before, said) in ALLOWED else before)
    assert (after is one) == ((before, said) not in ALLOWED)


def test_who_chooses_a_card_later_may_choose_another_after_a_decline() -> None:
    one = payment(Status.REQUIRES_ACTION, card="")

    declined = Intent(ref="pi_1", status=Status.FAILED, amount=one.amount, failure_reason="card-declined")

    assert one.after(declined, at=AT) is one


@given(st.lists(st.one_of(st.none(), st.integers(1, 6000)), max_size=8))
def test_no_sequence_of_refunds_gives_back_more_than_was_paid(wishes: list[int | None]) -> None:
    one = payment(Status.SUCCEEDED)

    for minor in wishes:
        try:
            one, claimed = one.with_claim(minor, at=AT)
        except (NotRefundable, RefundTooLarge):
            continue
        one = one.with_refund(claimed, at=AT)

    assert 0 <= one.refunded_minor == one.claimed_minor <= one.amount.minor
    assert (one.status is Status.REFUNDED) == (one.refunded_minor == one.amount.minor)


@pytest.mark.parametrize("status", set(Status) - {Status.SUCCEEDED, Status.PARTIALLY_REFUNDED})
def test_only_money_that_came_can_go_back(status: Status) -> None:
    with pytest.raises(NotRefundable):
        payment(status).with_claim(None, at=AT)
