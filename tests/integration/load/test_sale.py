"""The sale over real HTTP and WebSockets, against a small public API that can be made to misbehave."""

from io import StringIO

import pytest
from rich.console import Console

from tests.load.sale.sale import run_sale
from tests.load.sale.settings import SaleSettings, Shares
from tests.load.sale.verdict import Verdict
from tests.twins.box_office import House, Wrong
from tests.twins.public_api import PublicApiTwin


def house(*, row: int = 40, floor: int = 25) -> House:
    seated = {name: [f"{name}-1-{number}" for number in range(1, row + 1)] for name in ("A", "B")}
    return House(event_id="e-1", seated=seated, standing={"FLOOR": floor})


async def hold(wrong: Wrong | None = None, *, place: House | None = None, buyers: int = 120, **more) -> Verdict:
    twin = PublicApiTwin(place or house(), wrong)
    async with twin.running() as root:
        settings = SaleSettings(
            gateway=root,
            realtime=f"{root.replace('http', 'ws')}/ws",
            mailbox=root,
            psp=root,
            buyers=buyers,
            rush_s=0.1,
            patience_s=1.0,
            quiet_s=0.3,
            look_every_s=0.1,
            **more,
        )
        return await run_sale(settings, Console(file=StringIO()))


async def test_a_sale_in_which_all_goes_well_holds() -> None:
    verdict = await hold()

    assert verdict.judgement.findings == []
    assert verdict.holds
    assert verdict.orders == verdict.confirmed + verdict.refused + verdict.cancelled + verdict.awaiting_payment == 120
    assert verdict.confirmed > 20
    assert verdict.mails == verdict.confirmed + verdict.cancelled


async def test_every_kind_of_buyer_takes_part() -> None:
    shares = Shares(
        approves_3ds=0.2, fails_3ds=0.1, abandons_3ds=0.1, leaves=0.2, sends_twice=0.2, reconnects=0.2, cancels=0.3
    )

    verdict = await hold(place=house(row=200, floor=100), shares=shares)

    assert verdict.judgement.findings == []
    assert min(verdict.crowd[name] for name in ("left", "came_back", "asked_by_bank")) > 0
    assert verdict.cancelled > 0
    assert verdict.refused_by_reason.keys() >= {"seat-taken", "card-declined", "authentication-failed"}


async def test_the_same_seed_is_the_same_crowd() -> None:
    first, second = await hold(seed=7, buyers=40), await hold(seed=7, buyers=40)

    assert first.orders == second.orders
    assert first.crowd["left"] == second.crowd["left"]


@pytest.mark.parametrize("wrong", [Wrong.SELLS_A_SEAT_TWICE, Wrong.OVERFILLS_THE_FLOOR])
async def test_a_place_sold_twice_is_caught(wrong: Wrong) -> None:
    verdict = await hold(wrong, shares=Shares(cancels=0, fails_3ds=0))

    assert len(verdict.judgement.oversold) > 0
    assert not verdict.holds


@pytest.mark.parametrize("wrong", [Wrong.FORGETS_A_MAIL, Wrong.NEVER_TELLS, Wrong.TELLS_OTHERWISE])
async def test_a_lost_outcome_is_caught(wrong: Wrong) -> None:
    verdict = await hold(wrong)

    assert len(verdict.judgement.lost) == 1
    assert not verdict.holds


async def test_an_order_that_nothing_decides_is_caught() -> None:
    verdict = await hold(Wrong.NEVER_DECIDES)

    assert len(verdict.judgement.stuck) == 1
    assert not verdict.holds


@pytest.mark.parametrize("wrong", [Wrong.KEEPS_THE_MONEY, Wrong.TAKES_NO_MONEY, Wrong.REFUNDS_NOTHING])
async def test_money_without_a_ticket_or_a_ticket_without_money_is_caught(wrong: Wrong) -> None:
    # Room for all: who is refused a place is not charged, and who comes first is a matter of luck.
    verdict = await hold(wrong, place=house(row=400, floor=200))

    assert len(verdict.judgement.paid_without_ticket) == 1
    assert not verdict.holds


async def test_one_key_that_makes_two_bookings_is_caught() -> None:
    verdict = await hold(Wrong.IGNORES_KEYS)

    assert len(verdict.judgement.double_booked) == 1


async def test_a_mail_that_comes_twice_is_caught() -> None:
    verdict = await hold(Wrong.MAILS_TWICE)

    assert len(verdict.judgement.double_mail) == 1


async def test_a_mail_that_is_delivered_again_is_one_mail_and_is_told() -> None:
    verdict = await hold(Wrong.DELIVERS_TWICE)

    assert verdict.judgement.spotless
    assert verdict.redelivered == 1
    assert verdict.mails == verdict.confirmed + verdict.cancelled


async def test_a_closed_loop_of_buyers_is_measured() -> None:
    verdict = await hold(place=house(row=5000, floor=5000), buyers=4, bench=True, warm_up_s=0.1, measure_s=0.3)

    assert verdict.holds
    assert verdict.confirmed == verdict.orders > 8
    assert verdict.pace.per_second > 10
    assert verdict.pace.p50_ms > 0
