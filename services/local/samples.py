"""Two events to try things with: an arena of 8,000 numbered seats and a club of 500 standing.

`python -m services.local.samples URL` puts them on sale at a gateway that has no events yet.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp

from services.local.environment import ORGANISER_EMAIL

TIMEOUT: Final = aiohttp.ClientTimeout(total=20)
ARENA_SECTIONS: Final = 20
ROWS: Final = 20
SEATS_A_ROW: Final = 20


@dataclass(frozen=True, slots=True)
class Sample:
    event_id: str
    title: str


async def load_samples(gateway: str, organiser_password: str) -> Sequence[Sample]:
    """Through the public API, as any organiser would. Raises aiohttp.ClientError when the gateway says no."""
    async with aiohttp.ClientSession(gateway, timeout=TIMEOUT, raise_for_status=True) as session:
        token = await _organiser(session, organiser_password)
        headers = {"Authorization": f"Bearer {token}"}
        return [await _publish(session, headers, draft) for draft in (_arena(), _club())]


async def _organiser(session: aiohttp.ClientSession, password: str) -> str:
    who = {"email": ORGANISER_EMAIL, "password": password, "name": "Olga Organiser", "role": "organiser"}
    async with session.post("/api/v1/auth/register", json=who) as response:
        token: str = (await response.json())["tokens"]["access_token"]
        return token


async def _publish(session: aiohttp.ClientSession, headers: dict[str, str], draft: dict[str, Any]) -> Sample:
    async with session.post("/api/v1/events", json=draft, headers=headers) as response:
        event_id: str = (await response.json())["id"]
    async with session.post(f"/api/v1/events/{event_id}/publish", headers=headers):
        return Sample(event_id, draft["title"])


def _arena() -> dict[str, Any]:
    def tier(number: int) -> str:
        return "gold" if number <= 4 else "silver" if number <= 12 else "bronze"

    rows = [{"label": str(row), "seats": SEATS_A_ROW} for row in range(1, ROWS + 1)]
    sections = [
        {"id": f"S{number}", "name": f"Block {number}", "kind": "seated", "rows": rows, "tier_id": tier(number)}
        for number in range(1, ARENA_SECTIONS + 1)
    ]
    venue = {
        "name": "Harbour Arena",
        "address": "Am Hafen 1",
        "city": "Hamburg",
        "country": "DE",
        "timezone": "Europe/Berlin",
    }
    tiers = [_tier("gold", 12900), _tier("silver", 8900), _tier("bronze", 4900)]
    return _draft("The Long Night Tour", venue, sections, tiers, days=90)


def _club() -> dict[str, Any]:
    venue = {"name": "Cellar Club", "address": "Lange Str. 7", "city": "Berlin", "country": "DE"}
    sections = [{"id": "FLOOR", "name": "Floor", "kind": "standing", "capacity": 500, "tier_id": "standard"}]
    return _draft(
        "Basement Sessions", venue | {"timezone": "Europe/Berlin"}, sections, [_tier("standard", 2500)], days=30
    )


def _tier(tier_id: str, amount: int) -> dict[str, Any]:
    return {"id": tier_id, "name": tier_id.title(), "price": {"amount": amount, "currency": "EUR"}}


def _draft(
    title: str, venue: dict[str, Any], sections: list[dict[str, Any]], tiers: list[dict[str, Any]], *, days: int
) -> dict[str, Any]:
    begins = (datetime.now(UTC) + timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    return {
        "title": title,
        "description": f"{title}, live at {venue['name']}.",
        "category": "concert",
        "venue": venue,
        "sections": sections,
        "tiers": tiers,
        "starts_at": begins.isoformat(),
        "ends_at": (begins + timedelta(hours=3)).isoformat(),
        "max_per_booking": 8,
    }


async def load_samples_once(gateway: str) -> Sequence[Sample]:
    """Nothing, when something is on sale there already."""
    async with (
        aiohttp.ClientSession(gateway, timeout=TIMEOUT, raise_for_status=True) as session,
        session.get("/api/v1/events") as response,
    ):
        if (await response.json())["items"]:
            return []
    return await load_samples(gateway, secrets.token_urlsafe(16))


def main() -> None:
    for sample in asyncio.run(load_samples_once(sys.argv[1])):
        sys.stdout.write(f"{sample.event_id}  {sample.title}\n")


if __name__ == "__main__":
    main()
