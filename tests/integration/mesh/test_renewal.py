"""Certificates, authorities and modes change while calls go on, and no call fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from services.kit.rpc.client import Peer
from services.kit.rpc.identity import LOOK_S, Mode, identity_in
from tests.integration.mesh.conftest import Platform, ask, authority, new_pod, peer, serving
from tests.waiting import until


class Crowd:
    """Calls without pause; every failure is kept."""

    def __init__(self, asked: Peer[object]) -> None:
        self._asked = asked
        self.answers, self.failures = 0, list[Exception]()

    async def run(self) -> None:
        while True:
            try:
                await ask(self._asked)
                self.answers += 1
            except Exception as failure:  # noqa: BLE001 - the test says there is none
                self.failures.append(failure)
            await asyncio.sleep(0.002)

    async def more(self, answers: int = 50) -> None:
        enough = self.answers + answers
        await until(lambda: self.answers >= enough or self.failures)
        assert self.failures == []


@asynccontextmanager
async def calling(asked: Peer[object]) -> AsyncIterator[Crowd]:
    crowd = Crowd(asked)
    task = asyncio.create_task(crowd.run())
    try:
        await crowd.more()
        yield crowd
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def shown(platform: Platform, service: str) -> bytes:
    """What the service shows now; it looks at its files once in a while."""
    await asyncio.sleep(LOOK_S)
    return identity_in(platform.folder / service).current().chain


async def test_a_leaf_is_renewed_under_load(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    await stack.enter_async_context(serving(new_pod(), platform.security("ticket"), port=port))
    gateway = await stack.enter_async_context(peer(f"localhost:{port}", platform.security("gateway")))
    async with calling(gateway) as crowd:
        for service in ("ticket", "gateway"):
            before = await shown(platform, service)
            platform.issue(service)
            await crowd.more()

            assert await shown(platform, service) != before
            await crowd.more()


async def test_an_authority_takes_over_under_load(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    await stack.enter_async_context(serving(new_pod(), platform.security("ticket"), port=port))
    gateway = await stack.enter_async_context(peer(f"localhost:{port}", platform.security("gateway")))
    new = authority("platform, next")
    async with calling(gateway) as crowd:
        # Both are trusted by all before the new one signs, and until the last leaf of the old one is gone.
        platform.roots = platform.root.certificate + new.certificate
        await renewed(platform, crowd)
        platform.root = new
        await renewed(platform, crowd)
        platform.roots = new.certificate
        await renewed(platform, crowd)


async def renewed(platform: Platform, crowd: Crowd) -> None:
    for service in ("gateway", "ticket"):
        platform.issue(service)
        await shown(platform, service)
        await crowd.more()


async def test_from_off_to_strict_and_back_under_load(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    """Servers are replaced first here; their callers keep the mode before or after."""
    for mode, callers in _steps():
        async with AsyncExitStack() as step:
            await step.enter_async_context(serving(new_pod(), platform.security("ticket", mode), port=port))
            for caller in callers:
                asked = await step.enter_async_context(peer(f"localhost:{port}", platform.security("gateway", caller)))
                async with calling(asked) as crowd:
                    await crowd.more()


def _steps() -> list[tuple[Mode, tuple[Mode, ...]]]:
    """A server's mode, and those its callers may have while the platform goes from one to the next."""
    return [
        ("off", ("off", "permissive")),
        ("permissive", ("off", "permissive", "strict")),
        ("strict", ("permissive", "strict")),
    ]


async def test_a_pair_that_does_not_fit_is_left_alone(platform: Platform) -> None:
    identity = identity_in(platform.security("ticket").folder)
    before = identity.current()
    platform.issue("ticket", lasts=timedelta(days=2))
    (platform.folder / "ticket" / "..data" / "tls.key").write_text("not a key")
    await asyncio.sleep(LOOK_S)

    assert identity.current() is before
