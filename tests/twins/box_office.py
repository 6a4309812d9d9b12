"""A box office in memory: what the whole platform does for buyers, rightly, or wrongly in ways a test chooses."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PRICE = 3900
DECLINED = {
    "pm_card_visa_chargeDeclined": "card-declined",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient-funds",
}
THREE_D_SECURE = "pm_card_threeDSecure2Required"


class Wrong(enum.Enum):
    """What a platform could get wrong."""

    SELLS_A_SEAT_TWICE = "sells-a-seat-twice"
    OVERFILLS_THE_FLOOR = "overfills-the-floor"
    FORGETS_A_MAIL = "forgets-a-mail"
    # Two mails …
    MAILS_TWICE = "mails-twice"
    # … and the same one, delivered again.
    DELIVERS_TWICE = "delivers-twice"
    KEEPS_THE_MONEY = "keeps-the-money"
    TAKES_NO_MONEY = "takes-no-money"
    REFUNDS_NOTHING = "refunds-nothing"
    NEVER_TELLS = "never-tells"
    NEVER_DECIDES = "never-decides"
    TELLS_OTHERWISE = "tells-otherwise"
    IGNORES_KEYS = "ignores-keys"


@dataclass(slots=True)
class House:
    event_id: str
    # Section → its seats, or how many may stand there.
    seated: Mapping[str, Sequence[str]]
    standing: Mapping[str, int]


@dataclass(slots=True)
class Sold:
    booking_id: str
    user_id: str
    event_id: str
    seats: Sequence[str]
    areas: Mapping[str, int]
    card: str
    status: str = "queued"
    reason: str = ""
    # (section, seat or empty)
    places: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Charge:
    id: str
    booking_id: str
    amount: int
    status: str
    refunded: int = 0


class BoxOffice:
    """A `wrong` happens to the first booking it can happen to, and to that one only."""

    def __init__(self, house: House, wrong: Wrong | None = None) -> None:
        self.house = house
        self.bookings: dict[str, Sold] = {}
        self.charges: list[Charge] = []
        # Booking ids; a mail that came twice is there twice.
        self.mails: list[str] = []
        self.delivered_again: set[str] = set()
        self._keys: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()
        self._standing: dict[str, int] = dict.fromkeys(house.standing, 0)
        self._ids = itertools.count(1)
        self._wrong = wrong

    def order(self, user_id: str, key: str, body: Mapping[str, Any]) -> tuple[Sold, bool]:
        """The booking, and whether it is new."""
        known = self._keys.get((user_id, key))
        if known is not None and not self._does(Wrong.IGNORES_KEYS):
            return self.bookings[known], False
        booking_id = f"b-{next(self._ids):06d}"
        self._keys[user_id, key] = booking_id
        areas = {area["section_id"]: area["quantity"] for area in body.get("areas", ())}
        booking = Sold(booking_id, user_id, self.house.event_id, body.get("seats", ()), areas, body["payment_method"])
        self.bookings[booking_id] = booking
        return booking, True

    def decide(self, booking: Sold) -> bool:
        """Whether the buyer is told."""
        if self._does(Wrong.NEVER_DECIDES):
            return False
        places = self._reserve(booking)
        if places is None:
            booking.status, booking.reason = "rejected", "seat-taken" if booking.seats else "sold-out"
        elif booking.card in DECLINED:
            self._give_back(places)
            booking.status, booking.reason = "rejected", DECLINED[booking.card]
            if self._does(Wrong.KEEPS_THE_MONEY):
                self._charge(booking, places)
        elif booking.card == THREE_D_SECURE:
            booking.status, booking.places = "awaiting_payment", places
            self.charges.append(Charge(f"pi-{next(self._ids):06d}", booking.booking_id, 0, "requires_action"))
        else:
            self._confirm(booking, places)
        return not self._does(Wrong.NEVER_TELLS)

    def answer_bank(self, charge_id: str, *, approved: bool) -> Sold:
        charge = next(charge for charge in self.charges if charge.id == charge_id)
        booking = self.bookings[charge.booking_id]
        self.charges.remove(charge)
        if approved:
            self._confirm(booking, booking.places)
        else:
            self._give_back(booking.places)
            booking.status, booking.reason, booking.places = "rejected", "authentication-failed", []
        return booking

    def cancel(self, booking: Sold) -> None:
        booking.status, booking.reason = "cancelled", "cancelled-by-buyer"
        self._give_back(booking.places)
        if not self._does(Wrong.REFUNDS_NOTHING):
            for charge in self.charges:
                charge.refunded = charge.amount if charge.booking_id == booking.booking_id else charge.refunded

    def told_otherwise(self, booking: Sold) -> bool:
        return booking.status == "confirmed" and self._does(Wrong.TELLS_OTHERWISE)

    def state_of(self, seat: str) -> str:
        return "free" if seat not in self._taken else "held" if seat in {name for _, name in self._held()} else "sold"

    def standing(self, section: str) -> tuple[int, int]:
        """Held and sold."""
        held = self._held().count((section, ""))
        return held, self._standing[section] - held

    def charge_of(self, booking: Sold) -> str:
        return next(charge.id for charge in self.charges if charge.booking_id == booking.booking_id)

    def _held(self) -> list[tuple[str, str]]:
        return [place for one in self.bookings.values() if one.status == "awaiting_payment" for place in one.places]

    def _does(self, wrong: Wrong) -> bool:
        does, self._wrong = self._wrong is wrong, None if self._wrong is wrong else self._wrong
        return does

    def _reserve(self, booking: Sold) -> list[tuple[str, str]] | None:
        named = list(booking.seats)
        standing = [(section, quantity) for section, quantity in booking.areas.items() if section in self._standing]
        for section, quantity in booking.areas.items():
            if section in self.house.seated:
                free = [seat for seat in self.house.seated[section] if seat not in self._taken][:quantity]
                if len(free) < quantity:
                    return None
                named += free
        pays = booking.card not in {*DECLINED, THREE_D_SECURE}
        if any(seat in self._taken for seat in named) and not (pays and self._does(Wrong.SELLS_A_SEAT_TWICE)):
            return None
        for section, quantity in standing:
            too_many = self._standing[section] + quantity > self.house.standing[section]
            if too_many and not (pays and self._does(Wrong.OVERFILLS_THE_FLOOR)):
                return None
            self._standing[section] += quantity
        self._taken |= set(named)
        places = [(seat.partition("-")[0], seat) for seat in named]
        return places + [(section, "") for section, quantity in standing for _ in range(quantity)]

    def _give_back(self, places: Sequence[tuple[str, str]]) -> None:
        for section, seat in places:
            self._taken.discard(seat)
            if not seat:
                self._standing[section] -= 1

    def _confirm(self, booking: Sold, places: list[tuple[str, str]]) -> None:
        booking.status, booking.places = "confirmed", places
        if not self._does(Wrong.TAKES_NO_MONEY):
            self._charge(booking, places)
        if not self._does(Wrong.FORGETS_A_MAIL):
            self.mails.append(booking.booking_id)
        if self._does(Wrong.MAILS_TWICE):
            self.mails.append(booking.booking_id)
        if self._does(Wrong.DELIVERS_TWICE):
            self.delivered_again.add(booking.booking_id)

    def _charge(self, booking: Sold, places: Sequence[tuple[str, str]]) -> None:
        charge = Charge(f"pi-{next(self._ids):06d}", booking.booking_id, PRICE * len(places), "succeeded")
        self.charges.append(charge)
