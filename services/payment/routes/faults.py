"""The sandbox's bad days over HTTP: there is no such page with a real PSP.

PUT /sandbox/faults {"for_s": 30, "answered_late": 0.5}    GET    DELETE
"""

from __future__ import annotations

import msgspec
import structlog
from aiohttp import web

from services.kit.errors import Invalid
from services.payment.psp.faults import FaultDesk, Faults

log = structlog.get_logger()


class _Order(msgspec.Struct, forbid_unknown_fields=True):
    for_s: float
    slow_s: float = 0.0
    unanswered: float = 0.0
    answered_late: float = 0.0
    webhook_copies: int = 1
    webhook_delay_s: float = 0.0


class FaultRoutes:
    """Faults last `for_s` seconds, or until the process ends: whoever wants them longer asks again."""

    def __init__(self, desk: FaultDesk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/sandbox/faults", self._show)
        app.router.add_put("/sandbox/faults", self._order)
        app.router.add_delete("/sandbox/faults", self._clear)

    async def _show(self, _: web.Request) -> web.Response:
        now = self._desk.now
        faults = {name: getattr(now, name) for name in now.__slots__}
        return web.json_response(faults | {"left_s": round(self._desk.left_s, 3)})

    async def _order(self, request: web.Request) -> web.Response:
        wanted = msgspec.structs.asdict(_read(await request.read()))
        for_s = wanted.pop("for_s")
        try:
            self._desk.order(Faults(**wanted), for_s=for_s)
        except ValueError as wrong:
            raise Invalid(str(wrong)) from wrong
        log.warning("sandbox_misbehaves", for_s=for_s, **wanted)
        return await self._show(request)

    async def _clear(self, request: web.Request) -> web.Response:
        self._desk.clear()
        return await self._show(request)


def _read(body: bytes) -> _Order:
    try:
        return msgspec.json.decode(body, type=_Order)
    except (msgspec.DecodeError, UnicodeDecodeError) as malformed:
        raise Invalid(f"body: {malformed}") from malformed
