"""Support's view of a running platform: what happened to a booking, and whether everything that must hold does."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from services.kit.database.engine import open_engine, transaction
from services.kit.ids import new_id
from services.kit.settings import PostgresSettings
from services.local.platform import Platform
from services.local.samples import Sample
from tests.integration.platform.conftest import Buyer
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def services(*arguments: str) -> tuple[int, str]:
    """Exit code and output of `python -m services …`, as somebody types it."""
    command = [sys.executable, "-m", "services", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(90):
        output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def timeline(buyer: Buyer, booking_id: str) -> dict[str, Any]:
    status, told = await buyer.get(f"/api/v1/bookings/{booking_id}/timeline")
    assert status == 200, told
    return dict(told)


async def has(buyer: Buyer, booking_id: str, code: str) -> bool:
    return code in [entry["code"] for entry in (await timeline(buyer, booking_id))["entries"]]


async def bought(buyer: Buyer, samples: Sequence[Sample], seat: str, *, method: str, last: str) -> str:
    """A booking whose timeline has come to that entry."""
    buyer.headers |= {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    booking_id = await buyer.book(samples[0].event_id, seats=[seat], method=method)
    await until(lambda: has(buyer, booking_id, last), within_s=60, every_s=0.3)
    return booking_id


async def test_a_buyer_reads_how_the_ticket_came(buyer: Buyer, samples: Sequence[Sample]) -> None:
    booking_id = await bought(buyer, samples, "S8-1-1", method="pm_card_visa", last="mail-sent")

    told = await timeline(buyer, booking_id)

    entries = {entry["code"]: entry for entry in told["entries"]}
    line = [entry["code"] for entry in told["entries"]]
    assert line[:5] == ["queued", "taken", "reserving", "held", "charging"]
    assert {"issuing", "confirmed", "payment-succeeded", "mail-sent"} <= entries.keys()
    assert entries["queued"]["number"] >= 1
    _, booking = await buyer.get(f"/api/v1/bookings/{booking_id}")
    assert entries["payment-succeeded"]["amount"] == booking["total"]
    assert [entry["at"] for entry in told["entries"]] == sorted(entry["at"] for entry in told["entries"])
    assert (told["status"], told["trace_id"]) == ("confirmed", TRACE)


async def test_a_buyer_reads_why_there_is_no_ticket_and_nobody_else_is_named(
    buyer: Buyer, samples: Sequence[Sample]
) -> None:
    card = "pm_card_visa_chargeDeclinedInsufficientFunds"
    booking_id = await bought(buyer, samples, "S8-1-2", method=card, last="payment-failed")
    await until(lambda: has(buyer, booking_id, "rejected"))

    told = await timeline(buyer, booking_id)
    code, support = await services("timeline", booking_id)

    failed = next(entry for entry in told["entries"] if entry["code"] == "payment-failed")
    assert (failed["reason"], failed["attempt"]) == ("insufficient-funds", 1)
    assert code == 0
    assert "insufficient-funds" in support
    _, me = await buyer.get("/api/v1/users/me")
    for secret in (buyer.email, "Ada", buyer.token, card, "pm_card", me["id"]):
        assert secret not in json.dumps(told)
        assert secret not in support


async def test_support_is_told_that_a_booking_is_unknown(running: Platform) -> None:
    assert (await services("timeline", new_id()))[0] == 1


async def test_a_contradiction_is_found_and_gone_when_it_is_put_right(
    running: Platform, buyer: Buyer, samples: Sequence[Sample]
) -> None:
    booking_id = await bought(buyer, samples, "S8-1-3", method="pm_card_visa", last="mail-sent")
    both = {"tickets_off_sale", "confirmed_without_seats"}

    async def wrong_with_it() -> set[str]:
        return _wrong(await services("invariants", "--json", "--grace", "1"), booking_id)

    async def is_found() -> bool:
        return await wrong_with_it() == both

    assert await wrong_with_it() == set()
    async with _tickets_are_void(running, booking_id):
        # It has to be a second old.
        await until(is_found)
        code, table = await services("invariants", "--grace", "1")
    assert await wrong_with_it() == set()

    assert code == 1
    assert f"{booking_id}/seats: 0 valid tickets for 1 sold places" in table


async def test_who_does_not_answer_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKET_SERVICE_URL", "127.0.0.1:9")

    assert (await services("invariants", "--timeout", "1"))[0] == 2


@asynccontextmanager
async def _tickets_are_void(running: Platform, booking_id: str) -> AsyncIterator[None]:
    engine = open_engine(_database(running, "ticket"))
    void = text("UPDATE tickets SET void = :void WHERE booking_id = :id")
    try:
        async with transaction(engine) as tx:
            assert (await tx.execute(void, {"id": booking_id, "void": True})).rowcount == 1
        yield
    finally:
        async with transaction(engine) as tx:
            await tx.execute(void, {"id": booking_id, "void": False})
        await engine.dispose()


def _wrong(told: tuple[int, str], booking_id: str) -> set[str]:
    """The invariants that booking violates, according to the command."""
    return {
        invariant["name"]
        for service in json.loads(told[1])["services"].values()
        for invariant in service["invariants"]
        for example in invariant["examples"]
        if example["subject"].startswith(booking_id)
    }


def _database(running: Platform, name: str) -> PostgresSettings:
    class Settings(PostgresSettings):
        service = name

    return Settings(
        postgres_host=running.stores.postgres_host,
        postgres_port=running.stores.postgres_port,
        postgres_password=running.stores.postgres_password,
    )
