"""When a platform on this machine can be used: everybody's own page says so."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

import aiohttp

from services.kit.topology import Service
from services.local.environment import HOST
from services.local.ports import service_port
from services.local.prometheus import prometheus_url

READY_S: Final = 180.0
LOOKS_EVERY_S: Final = 0.2
PROBE_S: Final = 2.0

type Looks = Callable[[aiohttp.ClientSession], Awaitable[bool]]


class NotReady(RuntimeError):
    """The platform did not come up; the message says which service, and its log says why."""


async def wait_until_ready(services: Sequence[Service]) -> None:
    """Every service says so on its health page, in bounded time. Raises NotReady."""
    await _wait({row.name: partial(_is_up, _health_url(row)) for row in services})


async def wait_until_prometheus_answers() -> None:
    """It has opened its storage: before that it listens, and answers every question with 503. Raises NotReady."""
    await _wait({"prometheus": partial(_answers, f"{prometheus_url()}/-/ready")})


async def _wait(waiting: Mapping[str, Looks]) -> None:
    left = dict(waiting)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PROBE_S)) as session:
        try:
            async with asyncio.timeout(READY_S):
                while left:
                    for name in list(left):
                        if await left[name](session):
                            del left[name]
                    await asyncio.sleep(LOOKS_EVERY_S)
        except TimeoutError:
            raise NotReady(f"not ready after {READY_S:.0f} s: {', '.join(left)}") from None


def _health_url(row: Service) -> str:
    return f"http://{HOST}:{service_port(row.name, row.health.port)}{row.health.path}"


async def _is_up(url: str, session: aiohttp.ClientSession) -> bool:
    """Ready, and so is everything it could do without: a gateway whose peers are still starting answers 503."""
    try:
        async with session.get(url) as response:
            parts = (await response.json())["components"].values()
            return response.status == 200 and all(part["status"] == "UP" for part in parts)
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _answers(url: str, session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
