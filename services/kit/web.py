"""HTTP pages that every process has: health, liveness and metrics."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.exposition import ALLOWUTF8

from services.kit.health import Health
from services.kit.listener import Listener
from services.kit.settings import ServiceSettings

SHUTDOWN_S: Final = 5.0
# An application may say in its own words what is wrong with a request that never reached it: status, detail.
type OnBadRequest = Callable[[int, str], web.Response]
ON_BAD_REQUEST: Final[web.AppKey[OnBadRequest]] = web.AppKey("on_bad_request")
log = structlog.get_logger()


def operations_apps(settings: ServiceSettings, health: Health) -> dict[str, web.Application]:
    """Port name → an application with the pages the table puts there."""
    row = settings.row
    apps = {name: web.Application() for name in {row.health.port, "metrics"}}
    add_health(apps["metrics"], "/health", health)
    if (row.health.port, row.health.path) != ("metrics", "/health"):
        add_health(apps[row.health.port], row.health.path, health)
    if row.metrics is not None:
        apps[row.metrics.port].router.add_get(row.metrics.path, _metrics)
    return apps


def add_health(app: web.Application, path: str, health: Health) -> None:
    """`path` says whether the process is ready, `path`/live whether it is alive."""

    async def ready(_: web.Request) -> web.Response:
        report = await health.report()
        headers = {} if report["status"] == "UP" else {"Retry-After": "1"}
        return web.json_response(report, status=200 if not headers else 503, headers=headers)

    async def alive(_: web.Request) -> web.Response:
        return web.json_response({"status": "UP"})

    app.router.add_get(path, ready)
    app.router.add_get(f"{path}/live", alive)


async def _metrics(request: web.Request) -> web.Response:
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    # Names of ours are of letters, digits and `_` (a test sees to it), so nothing is to be escaped: told that any name
    # will do, the library need not look at each letter of each line, which takes a third of its time.
    page = encode(REGISTRY, escaping=ALLOWUTF8)  # type: ignore[call-arg] # all of its encoders take it
    return web.Response(body=page, headers={"Content-Type": content_type})


class WebServer:
    """One application on one port."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
        self._host, self._port = host, port
        self._on_bad_request = app.get(ON_BAD_REQUEST, bad_request)
        self._listener: Listener | None = None

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        await self._runner.setup()
        server, loop = self._runner.server, asyncio.get_running_loop()
        if server is None:
            raise RuntimeError("a runner without a server: its setup failed")
        # Not aiohttp's own site: that one knows no other protocol than its own.
        connection = partial(_Connection, server, loop=loop, on_bad_request=self._on_bad_request)
        self._listener = Listener(connection, self._host, self._port)
        self._listener.start()

    @property
    def ports(self) -> Sequence[int]:
        return self._listener.ports if self._listener is not None else ()

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()


class _Connection(web.RequestHandler):
    """A client's connection: what the parser rejects, or an application lets fall, is answered with a problem."""

    __slots__ = ("_on_bad_request",)

    def __init__(self, server: web.Server, *, loop: asyncio.AbstractEventLoop, on_bad_request: OnBadRequest) -> None:
        super().__init__(server, loop=loop, access_log=None)  # type: ignore[arg-type] # None: no access log
        self._on_bad_request = on_bad_request

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is wrong with a request is its sender's business; a fault is ours and is logged."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        if isinstance(exc, HttpProcessingError) and status < 500:
            response = self._on_bad_request(status, _what_is_wrong(exc))
        else:
            log.error("request_failed", route="unmatched", exc_info=exc)
            response = bad_request(status, "something is broken on our side")
        response.force_close()
        return response


def _what_is_wrong(error: HttpProcessingError) -> str:
    if isinstance(error, LineTooLong):
        return "the first line, or a header, is too long"
    # What was not understood is quoted on the lines after the first.
    return f"not HTTP: {error.message.partition('\n')[0].rstrip(':')}"[:200]


def bad_request(status: int, detail: str) -> web.Response:
    """A problem (RFC 9457) that says no more than its status does."""
    title = HTTPStatus(status).phrase
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return web.json_response(problem, status=status, content_type="application/problem+json")
