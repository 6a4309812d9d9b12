"""What each buyer of the crowd is going to do: drawn from the seed, so that the same crowd comes again."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

from tests.load.sale.settings import Shares
from tests.load.sale.wire import Event, EventSection

GOOD_CARDS: Final = ("pm_card_visa", "pm_card_mastercard", "pm_card_amex")
DECLINED: Final = "pm_card_visa_chargeDeclined"
INSUFFICIENT: Final = "pm_card_visa_chargeDeclinedInsufficientFunds"
THREE_D_SECURE: Final = "pm_card_threeDSecure2Required"
MOST_AT_ONCE: Final = 4
# As many buyers want each place in the hot rows.
RIVALS: Final = 4


class Manner(enum.Enum):
    PATIENT = "patient"
    LEAVES = "leaves"
    SENDS_TWICE = "sends_twice"
    RECONNECTS = "reconnects"
    CANCELS = "cancels"


class Challenge(enum.Enum):
    """What the buyer does when the bank asks."""

    APPROVE = "approve"
    FAIL = "fail"
    ABANDON = "abandon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    event_id: str
    seats: tuple[str, ...] = ()
    # Section → how many.
    areas: Mapping[str, int]
    card: str
    challenge: Challenge = Challenge.APPROVE
    manner: Manner = Manner.PATIENT
    watches: bool = False
    # When in the rush this buyer posts: 0 to 1.
    moment: float = 0.0
    # How long this buyer takes to act, where a person acts.
    thinks_s: float = 0.0

    def order(self) -> dict[str, object]:
        """The body of the request."""
        areas = [{"section_id": section, "quantity": quantity} for section, quantity in self.areas.items()]
        return {
            "event_id": self.event_id,
            "seats": self.seats,
            "areas": areas,
            "payment_method": self.card,
        }


@dataclass(frozen=True, slots=True)
class House:
    """The places of all events on sale."""

    # (event, section)
    seated: Sequence[tuple[Event, EventSection]]
    standing: Sequence[tuple[Event, EventSection]]

    @classmethod
    def of(cls, events: Sequence[Event]) -> House:
        sections = [(event, section) for event in events for section in event.sections]
        return cls(
            [pair for pair in sections if pair[1].kind == "seated"],
            [pair for pair in sections if pair[1].kind == "standing"],
        )


def seats_of(section: EventSection) -> Sequence[str]:
    """All seat ids of a section, row by row: `<section>-<row>-<number>`."""
    return [f"{section.id}-{row.label}-{number}" for row in section.rows for number in range(1, row.seats + 1)]


def draw_plans(house: House, shares: Shares, *, buyers: int, dice: Random) -> Sequence[Plan]:
    if not house.seated and not house.standing:
        raise ValueError("nothing is on sale: no event has a section with places")
    hot = _hot_rows(house, shares, buyers)
    return [_draw(house, hot, shares, dice) for _ in range(buyers)]


def _hot_rows(house: House, shares: Shares, buyers: int) -> Sequence[str]:
    """The front of the first block, with too few places for those who want to be there."""
    if not house.seated:
        return ()
    _, section = house.seated[0]
    wanted = int(buyers * shares.hot * (MOST_AT_ONCE + 1) / 2)
    return seats_of(section)[: max(MOST_AT_ONCE, wanted // RIVALS)]


def _draw(house: House, hot: Sequence[str], shares: Shares, dice: Random) -> Plan:
    event_id, seats, areas = _wish(house, hot, shares, dice)
    card, challenge = _means(shares, dice)
    return Plan(
        event_id=event_id,
        seats=seats,
        areas=areas,
        card=card,
        challenge=challenge,
        manner=_one_of(_manners(shares), Manner.PATIENT, dice),
        watches=dice.random() < shares.watches,
        moment=dice.random(),
        thinks_s=dice.uniform(0.1, 0.8),
    )


type Wish = tuple[str, tuple[str, ...], Mapping[str, int]]


def _wish(house: House, hot: Sequence[str], shares: Shares, dice: Random) -> Wish:
    kinds = {"hot": shares.hot, "standing": shares.standing, "best": shares.best_available}
    kind = _one_of(kinds, "anywhere", dice)
    how_many = dice.randint(1, MOST_AT_ONCE)
    if house.standing and (kind == "standing" or not house.seated):
        event, section = dice.choice(house.standing)
        return event.id, (), {section.id: min(how_many, event.max_per_booking)}
    event, section = house.seated[0] if kind == "hot" else dice.choice(house.seated)
    how_many = min(how_many, event.max_per_booking)
    if kind == "best":
        return event.id, (), {section.id: how_many}
    return event.id, _side_by_side(hot if kind == "hot" else seats_of(section), how_many, dice), {}


def _side_by_side(seats: Sequence[str], how_many: int, dice: Random) -> tuple[str, ...]:
    start = dice.randrange(max(1, len(seats) - how_many + 1))
    return tuple(seats[start : start + how_many])


def _means(shares: Shares, dice: Random) -> tuple[str, Challenge]:
    kinds = {
        (DECLINED, Challenge.APPROVE): shares.declined,
        (INSUFFICIENT, Challenge.APPROVE): shares.insufficient,
        (THREE_D_SECURE, Challenge.APPROVE): shares.approves_3ds,
        (THREE_D_SECURE, Challenge.FAIL): shares.fails_3ds,
        (THREE_D_SECURE, Challenge.ABANDON): shares.abandons_3ds,
    }
    return _one_of(kinds, (dice.choice(GOOD_CARDS), Challenge.APPROVE), dice)


def _manners(shares: Shares) -> Mapping[Manner, float]:
    return {
        Manner.LEAVES: shares.leaves,
        Manner.SENDS_TWICE: shares.sends_twice,
        Manner.RECONNECTS: shares.reconnects,
        Manner.CANCELS: shares.cancels,
    }


def _one_of[T](kinds: Mapping[T, float], otherwise: T, dice: Random) -> T:
    drawn = dice.random()
    bounds = zip(accumulate(kinds.values()), kinds, strict=True)
    return next((kind for bound, kind in bounds if drawn < bound), otherwise)
