"""The operator's composition root: what is wired to what, and what runs side by side."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import kopf
import structlog
from kubernetes.aio.client import ApiClient
from prometheus_client import start_http_server

from ticketing_operator import handlers, metrics
from ticketing_operator.certificate_keeper import CertificateKeeper
from ticketing_operator.charts import HelmProgram
from ticketing_operator.children import Children
from ticketing_operator.cluster import Cluster
from ticketing_operator.kinds import PLATFORM
from ticketing_operator.leadership import lead
from ticketing_operator.reconcile import Reconciler, TryAgain
from ticketing_operator.rendering import Rendering
from ticketing_operator.resync import Resync
from ticketing_operator.rollout import Rollout
from ticketing_operator.secret_keeper import SecretKeeper
from ticketing_operator.settings import OperatorSettings
from ticketing_operator.transport import ApiTransport, Refused, Transport, Unanswered, connect
from ticketing_operator.wakeups import Wakeups

log = structlog.get_logger()
DEFINED_EVERY_S: Final = 3.0


def reconciler(
    transport: Transport,
    children: Children,
    rendering: Rendering,
    settings: OperatorSettings,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Reconciler:
    cluster, settles = Cluster(transport), timedelta(seconds=settings.secrets_settle_s)
    return Reconciler(
        cluster=cluster,
        children=children,
        rendering=rendering,
        secrets=SecretKeeper(cluster, children),
        certificates=CertificateKeeper(cluster, children, settles=settles, now=now),
        rollout=Rollout(cluster, children),
        now=now,
    )


async def run(settings: OperatorSettings) -> bool:
    """Until it is told to stop (True), or may not lead any more (False)."""
    client = await connect()
    try:
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr=settings.bind_host)
        if not settings.leader_election:
            await serve(client, settings)
            return True
        return await lead(client, settings, lambda: serve(client, settings))
    finally:
        await client.close()


async def serve(client: ApiClient, settings: OperatorSettings) -> None:
    """Watch, resync and reconcile. Ends when kopf does: on SIGTERM, SIGINT, or when a watch can not go on."""
    transport, children, wakeups = ApiTransport(client), Children(), Wakeups(time.monotonic)
    await _until_defined(Cluster(transport))
    resync = Resync(Cluster(transport), children, wakeups, handlers.WATCHED, settings, time.monotonic)
    rendering = Rendering(HelmProgram(settings.charts, settings.helm))
    one = reconciler(transport, children, rendering, settings)
    eternal = [
        asyncio.create_task(resync.run(), name="resync"),
        *(asyncio.create_task(work(one, wakeups), name=f"worker-{n}") for n in range(settings.workers)),
    ]
    watching = asyncio.create_task(_watch(settings, handlers.Memo(children, wakeups, resync)), name="watch")
    try:
        done, _ = await asyncio.wait({watching, *eternal}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (watching, *eternal):
            task.cancel()
        await asyncio.gather(watching, *eternal, return_exceptions=True)


async def _until_defined(cluster: Cluster) -> None:
    """kopf looks once at what there is to watch; the definition may be as new as this process."""
    while True:
        try:
            if await cluster.knows(PLATFORM):
                return
            log.warning("definition-missing", kind=PLATFORM.plural)
        except (Refused, Unanswered) as fault:
            log.warning("api-server-away", reason=str(fault))
        await asyncio.sleep(DEFINED_EVERY_S)


async def _watch(settings: OperatorSettings, memo: handlers.Memo) -> None:
    probe = f"http://{settings.bind_host}:{settings.health_port}/healthz" if settings.health_port else None
    await kopf.operator(
        registry=handlers.registry(),
        settings=handlers.kopf_settings(settings),
        memo=memo,
        # Else kopf asks who is logged in, and in a container nobody is.
        identity=cast("Any", settings.identity),
        clusterwide=not settings.namespaces,
        namespaces=settings.namespaces,
        liveness_endpoint=probe,
    )


async def work(one: Reconciler, wakeups: Wakeups) -> None:
    """One of several: looks at whoever is due next, forever."""
    while True:
        key = await wakeups.next()
        with metrics.RECONCILE_DURATION.time():
            try:
                verdict = await one.reconcile(key)
            except TryAgain as told:
                log.warning("platform-again", platform=str(key), reason=str(told))
                metrics.RECONCILED.labels("failed").inc()
                wakeups.failed(key)
            except Exception:
                # A fault of ours must not end the others' care; it is seen in the log and in the metric.
                log.exception("platform-fault", platform=str(key))
                metrics.RECONCILED.labels("fault").inc()
                wakeups.failed(key)
            else:
                metrics.RECONCILED.labels(verdict.state if verdict else "gone").inc()
                wakeups.done(key, gone=verdict is None, again_in_s=verdict.again_in_s if verdict else None)
