"""Run a service within the test, on free ports, as its `__main__` would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.kit.process import Compose, working
from services.kit.settings import ServiceSettings
from tests.conftest import Stores
from tests.ports import free_port


@asynccontextmanager
async def running[S: ServiceSettings](
    settings_type: type[S], compose: Compose[S], stores: Stores, **more: Any
) -> AsyncIterator[S]:
    """The settings of a service that listens and works until the end of the block."""
    ports = {f"{name}_port": free_port() for name in ("grpc", "http", "metrics")}
    settings = settings_type(**(stores.settings() | ports | more))
    async with compose(settings) as app, working(settings, app):
        yield settings
