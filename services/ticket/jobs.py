"""What happens unasked: expired holds are freed."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from services.kit.errors import NotNow
from services.ticket.handlers import SWEPT_AT_ONCE, TicketHandlers

# Sweeps in a row before buyers get their turn.
IN_A_ROW: Final = 20
COUNT_EVERY_S: Final = 2.0
log = structlog.get_logger()


async def sweep(handlers: TicketHandlers, *, every_s: float) -> None:
    """For as long as the process lives; several replicas may, and one hold is freed once."""
    while True:
        try:
            for _ in range(IN_A_ROW):
                if await handlers.expire_holds() < SWEPT_AT_ONCE:
                    break
        except NotNow as away:
            log.warning("sweep_waits", error=str(away))
        except Exception:
            log.exception("sweep_failed")
        await asyncio.sleep(every_s)


async def count(handlers: TicketHandlers) -> None:
    """For as long as the process lives."""
    while True:
        try:
            await handlers.count()
        except NotNow as away:
            log.warning("count_waits", error=str(away))
        except Exception:
            log.exception("count_failed")
        await asyncio.sleep(COUNT_EVERY_S)
