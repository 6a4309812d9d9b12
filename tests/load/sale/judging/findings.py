"""The judgement: everything that is wrong, each with a sentence that can be looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.load.sale.evidence import Evidence
from tests.load.sale.judging.finding import Finding
from tests.load.sale.judging.lost import lost_outcomes
from tests.load.sale.judging.money import unpaired_money
from tests.load.sale.judging.oversold import places_in_dispute
from tests.load.sale.judging.stuck import stuck_places_and_orders
from tests.load.sale.judging.twice import double_bookings, double_mails


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    oversold: Sequence[Finding]
    lost: Sequence[Finding]
    paid_without_ticket: Sequence[Finding]
    stuck: Sequence[Finding]
    # These do not fail a sale, but nobody should overlook them.
    double_booked: Sequence[Finding]
    double_mail: Sequence[Finding]

    @property
    def holds(self) -> bool:
        """Whether the platform kept its promises."""
        return not (self.oversold or self.lost or self.paid_without_ticket or self.stuck)

    @property
    def spotless(self) -> bool:
        """Whether there is nothing to find at all."""
        return not self.findings

    @property
    def findings(self) -> Sequence[Finding]:
        return [
            *self.oversold,
            *self.lost,
            *self.paid_without_ticket,
            *self.stuck,
            *self.double_booked,
            *self.double_mail,
        ]


def judge(evidence: Evidence) -> Judgement:
    return Judgement(
        oversold=places_in_dispute(evidence),
        lost=lost_outcomes(evidence),
        paid_without_ticket=unpaired_money(evidence),
        stuck=stuck_places_and_orders(evidence),
        double_booked=double_bookings(evidence),
        double_mail=double_mails(evidence),
    )
