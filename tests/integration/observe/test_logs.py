"""The log of a whole sale, at its most talkative: every line is an event, and none names a person or tells a secret."""

from __future__ import annotations

import json
import os
import re
import signal

import aiohttp
import asyncpg
import pytest

from tests.integration.observe.conftest import BUYERS, Watched
from tests.load.sale.doors import PASSWORD
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
# Every signed token begins so, and every card of the sale.
SECRETS = {"a token": re.compile(r"eyJ[\w-]{10,}\.eyJ"), "a card": re.compile(r"pm_card_|(?:4242 ?){3}|_secret_")}


async def persons(watched: Watched) -> list[tuple[str, str]]:
    stores = watched.platform.stores
    connection = await asyncpg.connect(
        host=stores.postgres_host,
        port=stores.postgres_port,
        user="auth",
        password=stores.postgres_password,
        database="ticketing",
    )
    try:
        rows = await connection.fetch("SELECT email, name FROM auth.accounts")
    finally:
        await connection.close()
    return [(row["email"], row["name"]) for row in rows]


async def test_no_mail_name_token_or_card_is_logged(watched: Watched, web: aiohttp.ClientSession) -> None:
    said = watched.logged()
    known = await persons(watched)

    assert len(known) >= BUYERS
    assert said.count("\n") > BUYERS
    told = [email for email, _ in known if email in said] + [
        name for _, name in known if len(name) > 6 and name in said
    ]
    assert told == []
    assert PASSWORD not in said
    for what, pattern in SECRETS.items():
        assert pattern.search(said) is None, what


async def test_no_mail_name_token_or_card_is_traced(watched: Watched) -> None:
    said = "".join(watched.collector.raw)
    known = await persons(watched)

    assert [email for email, _ in known if email in said] == []
    for what, pattern in SECRETS.items():
        assert pattern.search(said) is None, what


async def test_every_line_of_a_service_is_one_event(watched: Watched) -> None:
    lines = [line.partition(" ") for line in watched.logged().splitlines()]
    ours = [(name, said) for name, _, said in lines if name not in {"prometheus", "mailbox"}]

    broken = [f"{name} {said}"[:200] for name, said in ours if not _is_event(said)]

    assert broken == []


async def test_what_a_booking_logs_has_its_id_and_trace(watched: Watched) -> None:
    events = [
        json.loads(line.partition(" ")[2]) for line in watched.logged().splitlines() if line.startswith("booking {")
    ]
    decided = [event for event in events if event["event"] == "booking_decided"]

    assert decided
    assert all(event["booking_id"] and len(event["trace_id"]) == 32 for event in decided)


async def test_the_level_changes_while_the_process_runs(watched: Watched) -> None:
    pid = watched.platform.supervisor.pids()["user"]

    os.kill(pid, signal.SIGUSR2)

    await until(lambda: '"level_now":"debug"' in watched.logged().replace('": "', '":"'))


def _is_event(line: str) -> bool:
    try:
        return "event" in json.loads(line)
    except ValueError:
        return False
