"""The verdict is right: what is wrong is found, and only that."""

from dataclasses import replace

import pytest

from tests.load.sale.evidence import Evidence, Intent, Mail, Place, Said, Section, Story
from tests.load.sale.judging import judge, redelivered

A1, A2 = Place("A", "A-1-1"), Place("A", "A-1-2")
STANDING = Place("FLOOR")


def confirmed(*tickets: Place) -> Said:
    return Said(status="confirmed", event_id="e", tickets=tickets, total=10 * len(tickets))


def rejected(reason: str = "seat-taken") -> Said:
    return Said(status="rejected", event_id="e", reason=reason)


def story(booking_id: str, told: Said | None, **more) -> Story:
    return Story(**({"event_id": "e", "key": f"key-{booking_id}", "booking_id": booking_id, "told": told} | more))


def paid(booking_id: str, amount: int = 10, **more) -> Intent:
    return Intent(**({"id": f"pi-{booking_id}", "booking_id": booking_id, "succeeded": True, "amount": amount} | more))


def mail(booking_id: str) -> Mail:
    return Mail(booking_id, f"<tickets-{booking_id}>", "tickets")


def seats(*sold: str, held: int = 0) -> Section:
    return Section(capacity=4, held=held, sold=len(sold), sold_seats=frozenset(sold))


def floor(sold: int, *, capacity: int = 3) -> Section:
    return Section(capacity=capacity, held=0, sold=sold)


MAILS = [mail("b1"), mail("b2")]
EMPTY = {("e", "A"): seats(), ("e", "FLOOR"): floor(0)}
# One buyer has a seat, one stands, one was refused.
FINE = Evidence(
    stories=[story("b1", confirmed(A1)), story("b2", confirmed(STANDING)), story("b3", rejected())],
    bookings={"b1": confirmed(A1), "b2": confirmed(STANDING), "b3": rejected()},
    before=EMPTY,
    after={("e", "A"): seats("A-1-1"), ("e", "FLOOR"): floor(1)},
    intents=[paid("b1"), paid("b2")],
    mails=MAILS,
)


def but(**changes) -> Evidence:
    return replace(FINE, **changes)


def with_booking(booking_id: str, said: Said) -> dict[str, Said]:
    return {**FINE.bookings, booking_id: said}


def test_a_sale_in_which_everything_agrees_has_no_findings() -> None:
    assert judge(FINE).findings == []
    assert judge(FINE).holds


def test_a_seat_on_the_tickets_of_two_bookings_is_oversold_once() -> None:
    evidence = but(
        stories=[*FINE.stories, story("b4", confirmed(A1))],
        bookings=with_booking("b4", confirmed(A1)),
        intents=[*FINE.intents, paid("b4")],
        mails=[*MAILS, mail("b4")],
    )

    found = judge(evidence)

    assert [finding.about for finding in found.oversold] == ["A-1-1"]
    assert found.lost == found.paid_without_ticket == []
    assert not found.holds


def test_a_ticket_whose_seat_the_inventory_does_not_count_as_sold_is_oversold() -> None:
    found = judge(but(after={("e", "A"): seats(), ("e", "FLOOR"): floor(1)}))

    assert [finding.about for finding in found.oversold] == ["A-1-1"]


def test_a_seat_sold_to_nobody_is_oversold() -> None:
    found = judge(but(after={("e", "A"): seats("A-1-1", "A-1-4"), ("e", "FLOOR"): floor(1)}))

    assert [finding.about for finding in found.oversold] == ["A-1-4"]


@pytest.mark.parametrize("counted", [0, 3])
def test_standing_room_that_is_counted_otherwise_is_oversold_by_the_difference(counted: int) -> None:
    found = judge(but(after={("e", "A"): seats("A-1-1"), ("e", "FLOOR"): floor(counted)}))

    assert len(found.oversold) == abs(counted - 1)


def test_more_tickets_than_the_section_holds_are_oversold() -> None:
    found = judge(but(after={("e", "A"): seats("A-1-1"), ("e", "FLOOR"): floor(1, capacity=0)}))

    assert [finding.about for finding in found.oversold] == ["FLOOR"]


def test_places_that_are_held_count_as_given() -> None:
    waiting = Said(status="awaiting_payment", event_id="e")
    evidence = but(
        stories=[*FINE.stories, story("b4", waiting)],
        bookings=with_booking("b4", waiting),
        after={("e", "A"): seats("A-1-1"), ("e", "FLOOR"): Section(capacity=3, held=3, sold=1)},
    )

    assert [finding.about for finding in judge(evidence).oversold] == ["FLOOR"]


def test_what_was_sold_before_is_not_ours() -> None:
    evidence = but(
        before={("e", "A"): seats("A-1-3"), ("e", "FLOOR"): floor(2)},
        after={("e", "A"): seats("A-1-1", "A-1-3"), ("e", "FLOOR"): floor(3)},
    )

    assert judge(evidence).findings == []


def test_a_cancelled_booking_has_no_places_any_more() -> None:
    gone = Said(status="cancelled", event_id="e", reason="cancelled-by-buyer")
    evidence = but(
        stories=[story("b1", gone), *FINE.stories[1:]],
        bookings=with_booking("b1", gone),
        after={("e", "A"): seats(), ("e", "FLOOR"): floor(1)},
        intents=[paid("b1", refunded=10), paid("b2")],
    )

    assert judge(evidence).findings == []


def test_an_accepted_order_that_the_api_does_not_know_is_lost() -> None:
    found = judge(but(stories=[*FINE.stories, story("b4", None)]))

    assert [finding.about for finding in found.lost] == ["b4"]


@pytest.mark.parametrize("status", ["queued", "pending", "cancelling"])
def test_an_accepted_order_that_is_never_decided_is_stuck(status: str) -> None:
    undecided = Said(status=status, event_id="e")
    found = judge(but(stories=[*FINE.stories, story("b4", None)], bookings=with_booking("b4", undecided)))

    assert [finding.about for finding in found.stuck] == ["b4"]


def test_a_result_that_the_socket_never_told_is_lost() -> None:
    found = judge(but(stories=[*FINE.stories[:2], story("b3", None)]))

    assert [finding.about for finding in found.lost] == ["b3"]


def test_who_left_need_not_be_told() -> None:
    assert judge(but(stories=[*FINE.stories[:2], story("b3", None, listened=False)])).findings == []


@pytest.mark.parametrize("told", [confirmed(A1), rejected("sold-out")])
def test_a_buyer_who_was_told_something_else_than_the_api_says_is_lost(told: Said) -> None:
    found = judge(but(stories=[*FINE.stories[:2], story("b3", told)]))

    assert [finding.about for finding in found.lost] == ["b3"]


def test_a_buyer_who_was_told_other_places_is_lost() -> None:
    found = judge(but(stories=[story("b1", confirmed(A2)), *FINE.stories[1:]]))

    assert [finding.about for finding in found.lost] == ["b1"]


def test_a_confirmed_booking_without_its_mail_is_lost() -> None:
    found = judge(but(mails=[mail("b2")]))

    assert [finding.about for finding in found.lost] == ["b1"]


def test_mails_that_were_not_waited_for_are_not_judged() -> None:
    assert judge(but(mails=None)).findings == []


@pytest.mark.parametrize("booking_id", ["b3", "nobody's"])
def test_money_for_a_booking_that_is_not_confirmed_is_paid_without_ticket(booking_id: str) -> None:
    found = judge(but(intents=[*FINE.intents, paid(booking_id)]))

    assert [finding.about for finding in found.paid_without_ticket] == [booking_id]
    assert not found.holds


@pytest.mark.parametrize("gone", [{"refunded": 10}, {"succeeded": False}])
def test_money_that_went_back_or_never_came_is_no_matter(gone: dict[str, object]) -> None:
    assert judge(but(intents=[*FINE.intents, paid("b3", **gone)])).findings == []


def test_money_that_went_back_in_part_is_still_paid_without_ticket() -> None:
    assert len(judge(but(intents=[*FINE.intents, paid("b3", refunded=9)])).paid_without_ticket) == 1


def test_a_ticket_that_nobody_paid_for_is_found() -> None:
    found = judge(but(intents=[paid("b2")]))

    assert [finding.about for finding in found.paid_without_ticket] == ["b1"]


@pytest.mark.parametrize("charges", [[paid("b1"), paid("b1", id="pi-again")], [paid("b1", 11)], [paid("b1", 9)]])
def test_a_ticket_that_was_paid_twice_or_at_another_price_is_found(charges: list[Intent]) -> None:
    found = judge(but(intents=[*charges, paid("b2")]))

    assert [finding.about for finding in found.paid_without_ticket] == ["b1"]


def test_a_free_ticket_needs_no_charge() -> None:
    free = replace(confirmed(A1), total=0)
    evidence = but(
        stories=[story("b1", free), *FINE.stories[1:]], bookings=with_booking("b1", free), intents=[paid("b2")]
    )

    assert judge(evidence).findings == []


def test_two_bookings_of_one_key_are_found() -> None:
    stories = [*FINE.stories, story("b4", rejected(), key="key-b3")]
    found = judge(but(stories=stories, bookings=with_booking("b4", rejected())))

    assert [finding.about for finding in found.double_booked] == ["b4"]


def test_a_booking_that_its_buyer_never_heard_of_is_found_with_its_places() -> None:
    found = judge(but(bookings=with_booking("b4", confirmed(A1)), intents=[*FINE.intents, paid("b4")]))

    assert [finding.about for finding in found.double_booked] == ["b4"]
    assert [finding.about for finding in found.oversold] == ["A-1-1"]


def test_two_mails_of_a_kind_are_found_and_a_second_kind_of_mail_is_not() -> None:
    found = judge(but(mails=[*MAILS, Mail("b1", "<other>", "tickets"), Mail("b2", "<cancelled-b2>", "cancelled")]))

    assert [finding.about for finding in found.double_mail] == ["b1"]
    assert found.holds


def test_one_mail_that_came_again_is_no_second_mail_but_is_counted() -> None:
    mails = [mail("b1"), mail("b1"), replace(mail("b2"), deliveries=3)]

    assert judge(but(mails=mails)).spotless
    assert redelivered(mails) == 3


@pytest.mark.parametrize("open_places", [(), (A2,), (STANDING, STANDING)])
def test_places_held_for_nobody_are_stuck(open_places: tuple[Place, ...]) -> None:
    found = judge(with_a_buyer_to_act(open_places, held=2))

    assert [finding.about for finding in found.stuck] == ["A"]
    assert not found.holds


def test_places_that_wait_for_their_buyer_are_not_stuck() -> None:
    assert judge(with_a_buyer_to_act((A2,), held=1)).spotless


def with_a_buyer_to_act(places: tuple[Place, ...], *, held: int) -> Evidence:
    waiting = Said(status="awaiting_payment", event_id="e", places=places, says_what_to_do=True)
    return but(
        stories=[*FINE.stories, story("b4", waiting)],
        bookings=with_booking("b4", waiting),
        after={("e", "A"): seats("A-1-1", held=held), ("e", "FLOOR"): floor(1)},
    )


def test_a_buyer_who_is_to_pay_and_is_not_told_how_is_lost() -> None:
    waiting, silent = (Said(status="awaiting_payment", event_id="e", says_what_to_do=says) for says in (True, False))
    found = judge(but(stories=[*FINE.stories, story("b4", silent)], bookings=with_booking("b4", waiting)))

    assert [finding.about for finding in found.lost] == ["b4"]


def test_nobody_can_say_yet_what_an_undecided_booking_holds() -> None:
    pending = Said(status="pending", event_id="e")
    held = {("e", "A"): seats("A-1-1", held=2), ("e", "FLOOR"): floor(1)}

    found = judge(but(stories=[*FINE.stories, story("b4", None)], bookings=with_booking("b4", pending), after=held))

    assert [finding.about for finding in found.stuck] == ["b4"]
