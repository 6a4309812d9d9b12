"""Whether a process is ready: it asks each dependency, and tells the truth about all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from services.kit import metrics

CHECK_TIMEOUT_S: Final = 1.5
# A check this young is not asked again, however many probes come.
FRESH_S: Final = 1.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Check:
    """Raises, or takes too long, when the dependency is not there."""

    ask: Callable[[], Awaitable[object]]
    # False: reported, but the process is ready without it (an outbox bridges a broker that is away).
    required: bool = True


class Health:
    """Readiness of this process. Draining means not ready, whatever the checks say."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._up: dict[str, bool] = {}
        self._asked_at = -1.0
        self._asking = asyncio.Lock()
        self.draining = False

    async def ready(self) -> bool:
        await self._refresh()
        needed = (self._up[name] for name, check in self._checks.items() if check.required)
        return not self.draining and all(needed)

    async def report(self) -> dict[str, Any]:
        """The body of the health page, in the form of Spring's actuator."""
        ready = await self.ready()
        parts = {name: {"status": "UP" if up else "DOWN"} for name, up in self._up.items()}
        if self.draining:
            parts["draining"] = {"status": "DOWN"}
        return {"status": "UP" if ready else "DOWN", "components": parts}

    async def _refresh(self) -> None:
        async with self._asking:
            if time.monotonic() - self._asked_at < FRESH_S:
                return
            await asyncio.gather(*(self._ask(name, check) for name, check in self._checks.items()))
            self._asked_at = time.monotonic()

    async def _ask(self, name: str, check: Check) -> None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await check.ask()
            up = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the dependency is not there
            up = False
            if self._up.get(name, True):
                log.warning("dependency_down", dependency=name, error=repr(error)[:300])
        if up and self._up.get(name) is False:
            log.info("dependency_up", dependency=name)
        self._up[name] = up
        metrics.DEPENDENCY_UP.labels(name).set(up)
