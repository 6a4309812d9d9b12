"""Whether everything holds by the services' own books, when the sale is over and the platform whole again.

The verdict looks from outside and knows what buyers know. This is the other side: `python -m services invariants`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.local.watching.invariants import Answers, ask_all, violations

# What is older than this is looked at; services themselves allow two minutes, so what is on its way is asked about
# again until it is older than that, and then it is a violation.
GRACE_S: Final = 10
PATIENCE_S: Final = 150.0
AGAIN_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariants:
    # How many there are, and how many things they were looked at for.
    looked_at: dict[str, int]
    # A sentence for each.
    violated: Sequence[str]
    # What the services found and put right by themselves meanwhile.
    repaired: Sequence[str]
    took_s: float

    @property
    def hold(self) -> bool:
        return not self.violated

    def as_json(self) -> dict[str, object]:
        return {
            "hold": self.hold,
            "looked_at": self.looked_at,
            "violated": list(self.violated),
            "repaired": list(self.repaired),
            "took_s": round(self.took_s, 1),
        }


async def look() -> Invariants:
    """Raises Told or PeerFault when a service does not answer for itself."""
    began = time.monotonic()
    while True:
        answers = await ask_all(grace_s=GRACE_S)
        took_s = time.monotonic() - began
        if not violations(answers) or took_s > PATIENCE_S:
            return told(answers, took_s=took_s)
        await asyncio.sleep(AGAIN_S)


def told(answers: Answers, *, took_s: float) -> Invariants:
    """The answers in sentences; an invariant that is violated more often than there are examples says how often."""
    all_of_them = [one for answer in answers.values() for one in answer.invariants]
    return Invariants(
        looked_at={one.name: one.looked_at for one in all_of_them},
        violated=[
            sentence
            for one in all_of_them
            if one.violations
            for sentence in (
                f"{one.name}: {one.violations} of {one.looked_at}",
                *(f"{one.name}: {example.subject}: {example.what}" for example in one.examples),
            )
        ],
        repaired=[
            f"{one.rule}: {one.subject}: {one.done}"
            for answer in answers.values()
            for one in answer.repairs
            if one.done
        ],
        took_s=took_s,
    )
