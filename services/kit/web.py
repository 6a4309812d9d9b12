"""HTTP pages that every process has: health, liveness and metrics."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from services.kit.health import Health
from services.kit.settings import ServiceSettings

SHUTDOWN_S: Final = 5.0


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
    return web.Response(body=encode(REGISTRY), headers={"Content-Type": content_type})


class WebServer:
    """One application on one port."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
        self._host, self._port = host, port

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, backlog=4096).start()

    @property
    def ports(self) -> Sequence[int]:
        return [address[1] for address in self._runner.addresses]

    async def stop(self) -> None:
        await self._runner.cleanup()
