"""The life of a process: settings, logs, servers, jobs, readiness, drain. `run` is all that a `__main__` calls."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
import uvloop
from aiohttp import web
from pydantic import ValidationError

from services.kit import metrics
from services.kit.clock import run_wrong, utc_now
from services.kit.exporting import exporting
from services.kit.health import Check, Health
from services.kit.logs import configure_logs
from services.kit.memory import give_back_start_up_memory
from services.kit.rpc.identity import identity_in
from services.kit.rpc.persons import Persons
from services.kit.rpc.policy import Policy
from services.kit.rpc.server import Register, RpcServer
from services.kit.saturation import GcWatch, watch_event_loop
from services.kit.settings import ServiceSettings
from services.kit.signals import listen_to_signals
from services.kit.web import WebServer, operations_apps

READINESS_S: Final = 1.0
# How often a job is asked to end, and how long it may take each time.
CANCELS: Final = 10
CANCELLED_S: Final = 2.0
# Imports are done at once; first connections, keys and caches a little later.
SETTLED_S: Final = (0.0, 5.0, 15.0)
log = structlog.get_logger()

type Job = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What a service's composition root wired: everything this process serves and does."""

    # Full gRPC name → what registers its servicer.
    rpc: Mapping[str, Register] = field(default_factory=dict)
    # What its calls that act for persons are checked by.
    persons: Persons | None = None
    # The service's own HTTP application; it listens on the table's `http` port.
    http: web.Application | None = None
    # Named and eternal: one that ends, ends the process.
    jobs: Mapping[str, Job] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    # Called when the process is asked to stop, before anything stops listening.
    on_drain: Callable[[], None] = lambda: None


type Compose[S: ServiceSettings] = Callable[[S], AbstractAsyncContextManager[App]]


def run[S: ServiceSettings](settings_type: type[S], compose: Compose[S]) -> None:
    """Run a service until it is told to stop. Exits 2 when its settings are wrong, 1 when a job ended."""
    try:
        settings = settings_type()
    except ValidationError as wrong:
        # The input is left out: it may be a secret.
        faults = (f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in wrong.errors())
        sys.stderr.write(f"{settings_type.service}: wrong settings\n  " + "\n  ".join(faults) + "\n")
        sys.exit(2)
    configure_logs(settings)
    metrics.CLOCK.set_function(lambda: utc_now().timestamp())
    if settings.clock_skew_s:
        log.warning("clock_is_wrong", by_s=settings.clock_skew_s)
        run_wrong(settings.clock_skew_s)
    sys.exit(uvloop.run(_until_stopped(settings, compose)))


async def _until_stopped[S: ServiceSettings](settings: S, compose: Compose[S]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    listen_to_signals(settings)
    GcWatch().begin()
    try:
        async with exporting(settings), compose(settings) as app, working(settings, app) as work:
            for delay_s in SETTLED_S:
                loop.call_later(delay_s, give_back_start_up_memory)
            ended = await _first_end(stop, work.jobs)
            if ended is None:
                log.info("draining")
                app.on_drain()
                work.health.draining = True
                await asyncio.sleep(settings.drain_s)
    except OSError as error:
        # A port that is taken, in nearly every case: a sentence, not a traceback.
        log.error("cannot_run", error=str(error))  # noqa: TRY400
        return 1
    log.info("stopped")
    return 0 if ended is None else 1


@dataclass(frozen=True, slots=True)
class Work:
    """A service that listens and works."""

    health: Health
    jobs: Sequence[asyncio.Task[None]]


@asynccontextmanager
async def working(settings: ServiceSettings, app: App) -> AsyncIterator[Work]:
    """Listen, then start the jobs; at the end stop the jobs after the listening, so that calls under way can finish."""
    jobs = [asyncio.create_task(job, name=name) for name, job in app.jobs.items()]
    jobs.append(asyncio.create_task(watch_event_loop(), name="event-loop"))
    try:
        async with serving(settings, app) as health:
            yield Work(health, jobs)
    finally:
        await _end(jobs)


async def _end(jobs: Sequence[asyncio.Task[None]]) -> None:
    """Cancel them, and again those that go on: a library that waits for two things may lose a cancellation."""
    for _ in range(CANCELS):
        pending = [job for job in jobs if not job.done()]
        if not pending:
            return
        for job in pending:
            job.cancel()
        await asyncio.wait(pending, timeout=CANCELLED_S)
    log.error("jobs_do_not_end", jobs=[job.get_name() for job in jobs if not job.done()])


@asynccontextmanager
async def serving(settings: ServiceSettings, app: App) -> AsyncIterator[Health]:
    """Listen on every port of the service's row, and stop in the reverse order."""
    health = Health(app.checks)
    async with AsyncExitStack() as stack:
        server = None
        for name, pages in operations_apps(settings, health).items():
            host = app.http if name == "http" and app.http is not None else pages
            if host is not pages:
                host.add_routes(_routes_of(pages))
            web_server = WebServer(host, settings.bind_host, settings.port(name))
            await web_server.start()
            stack.push_async_callback(web_server.stop)
        if app.rpc:
            server = _listen(settings, app)
            await server.start()
            stack.push_async_callback(server.stop, settings.grace_s)
        watcher = asyncio.create_task(_tell_readiness(health, server), name="readiness")
        stack.callback(watcher.cancel)
        log.info("ready", ports=dict(settings.row.ports))
        yield health
        if server is not None:
            await server.set_ready(ready=False)


def _listen(settings: ServiceSettings, app: App) -> RpcServer:
    policy = Policy(settings.security, settings.row.granted, reflection=settings.grpc_reflection)
    address = f"{settings.bind_host}:{settings.port('grpc')}"
    try:
        server = RpcServer(
            address,
            list(app.rpc.items()),
            policy=policy,
            persons=app.persons,
            max_at_work=settings.grpc_max_at_work,
        )
        if settings.mesh_mtls != "off":
            address = f"{settings.bind_host}:{settings.port('mesh')}"
            server.listen_securely(address, identity_in(settings.mesh_identity))
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}: {error}") from error
    return server


def _routes_of(pages: web.Application) -> list[web.RouteDef]:
    return [
        web.RouteDef(route.method, route.resource.canonical, route.handler, {})
        for route in pages.router.routes()
        if route.resource is not None and route.method != "HEAD"
    ]


async def _tell_readiness(health: Health, server: RpcServer | None) -> None:
    told: bool | None = None
    while True:
        ready = await health.ready()
        if server is not None and ready != told:
            await server.set_ready(ready=ready)
            told = ready
        await asyncio.sleep(READINESS_S)


async def _first_end(stop: asyncio.Event, jobs: Sequence[asyncio.Task[None]]) -> str | None:
    """Wait for the signal to stop (None) or for a job that ended, which none should (its name)."""
    asked = asyncio.create_task(stop.wait(), name="stop")
    try:
        done, _ = await asyncio.wait([asked, *jobs], return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
    for job in done - {asked}:
        log.error("job_ended", job=job.get_name(), exc_info=job.exception())
        return job.get_name()
    return None
