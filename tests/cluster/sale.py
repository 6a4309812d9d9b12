"""A sale in the cluster: buyers come through the Services, and the verdict is computed from outside."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from io import StringIO

from rich.console import Console

from services.kit.topology import topology
from services.local.samples import load_samples
from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.relay import relayed
from tests.load.sale.sale import Around, run_sale
from tests.load.sale.settings import SaleSettings
from tests.load.sale.verdict import Verdict

GATEWAY, REALTIME, PAYMENT = (topology().services[name] for name in ("gateway", "realtime", "payment"))
# What a buyer has to live with. Any other reason is a failure of ours: nobody answered, or nothing was decided.
BAD_LUCK = {"seat-taken", "sold-out", "card-declined", "insufficient-funds", "authentication-failed", "payment-expired"}


def open_sale(cluster: Cluster, namespace: str) -> None:
    """Put the sample events on sale."""
    with cluster.forwarded(namespace, "service/gateway", GATEWAY.ports["http"]) as gateway:
        wait_until(lambda: _peers_missing(gateway), within_s=30)
        asyncio.run(load_samples(f"http://{gateway}", "organised by tests"))


def hold_sale(
    cluster: Cluster, namespace: str, *, buyers: int, seed: int, rush_s: float = 1.0, around: Around = nullcontext
) -> Verdict:
    with way_in(cluster, namespace, buyers=buyers, seed=seed, rush_s=rush_s) as settings:
        return asyncio.run(run_sale(settings, Console(file=StringIO()), around=around))


@contextmanager
def way_in(
    cluster: Cluster, namespace: str, *, buyers: int, seed: int = 1, rush_s: float = 1.0
) -> Iterator[SaleSettings]:
    """Addresses that stay good while pods come and go."""
    doors = (
        ("gateway", GATEWAY.ports["http"]),
        ("realtime-http", REALTIME.ports["http"]),
        ("payment-http", PAYMENT.ports["http"]),
        ("mailbox", topology().mailbox["http"]),
    )
    with relayed(cluster, namespace, *doors) as (gateway, realtime, psp, mailbox):
        wait_until(lambda: _peers_missing(gateway), within_s=30)
        yield SaleSettings(
            gateway=f"http://{gateway}",
            realtime=f"ws://{realtime}/ws",
            psp=f"http://{psp}",
            mailbox=f"http://{mailbox}",
            buyers=buyers,
            seed=seed,
            rush_s=rush_s,
        )


def meanwhile(work: Callable[[], object]) -> Around:
    """Work that begins with the first order; the sale is judged when it has ended. Its failure is the sale's."""

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(work), name="meanwhile")
            yield

    return around


def failed_bookings(verdict: Verdict) -> dict[str, int]:
    """Refusals that are our fault, by reason."""
    return {reason: count for reason, count in verdict.refused_by_reason.items() if reason not in BAD_LUCK}


def _peers_missing(gateway: str) -> str:
    """The gateway is ready as soon as orders can be put in line; the rest it sees within seconds."""
    with urllib.request.urlopen(f"http://{gateway}{GATEWAY.health.path}", timeout=10) as response:
        parts = json.load(response)["components"]
    return ", ".join(name for name, part in parts.items() if part["status"] != "UP")
