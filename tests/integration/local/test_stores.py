"""Every embedded store starts, stops, dies and comes back; a port that is taken is named."""

from __future__ import annotations

import asyncio
import socket
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

import pytest

from services.local.stores import Broker, Postgres, Store, StoreFailed, Valkey
from tests.ports import free_port


class MakeStore(Protocol):
    __name__: str

    def __call__(self, home: Path, *, port: int) -> Store: ...


ALL: Final = [(Postgres, "POSTGRES_HOST"), (Valkey, "REDIS_HOST"), (Broker, "KAFKA_BROKERS")]
STORES: Final = [store for store, _ in ALL]

KEEP_A_STORE_RUNNING: Final = """
import asyncio, sys
from pathlib import Path
from services.local import stores
async def main():
    async with getattr(stores, sys.argv[1])(Path(sys.argv[2]), port=int(sys.argv[3])) as store:
        print(store.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.parametrize("make", STORES)
async def test_a_store_starts_again_after_stop_and_after_kill(make: MakeStore, tmp_path: Path) -> None:
    store = make(tmp_path / "home", port=free_port())
    await store.start()
    try:
        await store.stop()
        assert store.pid is None
        await store.start()
        await store.kill()
        assert store.pid is None
        await store.start()
        assert store.pid is not None
    finally:
        await store.stop()


@pytest.mark.parametrize("make", STORES)
async def test_start_and_stop_may_be_called_twice(make: MakeStore, tmp_path: Path) -> None:
    store = make(tmp_path / "home", port=free_port())
    await store.start()
    first = store.pid

    await store.start()

    assert store.pid == first
    await store.stop()
    await store.stop()


@pytest.mark.parametrize(("make", "variable"), ALL)
async def test_a_busy_port_is_named_with_the_way_out(make: MakeStore, variable: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]

        with pytest.raises(StoreFailed, match=rf"^port {port} .*{variable}.*$"):
            await make(tmp_path / "home", port=port).start()


@pytest.mark.parametrize("make", STORES)
async def test_a_store_dies_with_us_even_when_we_are_killed(
    make: MakeStore,
    tmp_path: Path,
    run_script: Callable[..., Awaitable[Process]],
    is_running: Callable[[int], bool],
    eventually: Callable[[Callable[[], bool]], Awaitable[None]],
) -> None:
    port = free_port()
    ours = await run_script(KEEP_A_STORE_RUNNING, make.__name__, str(tmp_path / "home"), str(port))
    assert ours.stdout is not None
    pid = int(await asyncio.wait_for(ours.stdout.readline(), 30))

    ours.kill()

    await eventually(lambda: not is_running(pid))
    await _starts(make(tmp_path / "home", port=port))  # its port and its files are free too


async def _starts(store: Store) -> None:
    await store.start()
    await store.stop()
