"""A sale in the cluster: buyers come through the Services, and the verdict is computed from outside."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from io import StringIO

from rich.console import Console

from services.kit.topology import topology
from services.local.samples import load_samples
from tests.cluster.cluster import Cluster, wait_until
from tests.load.sale.sale import run_sale
from tests.load.sale.settings import SaleSettings
from tests.load.sale.verdict import Verdict

GATEWAY, REALTIME, PAYMENT = (topology().services[name] for name in ("gateway", "realtime", "payment"))


def open_sale(cluster: Cluster, namespace: str) -> None:
    """Put the sample events on sale."""
    with cluster.forwarded(namespace, "service/gateway", GATEWAY.ports["http"]) as gateway:
        wait_until(lambda: _peers_missing(gateway), within_s=30)
        asyncio.run(load_samples(f"http://{gateway}", "organised by tests"))


def hold_sale(cluster: Cluster, namespace: str, *, buyers: int, seed: int) -> Verdict:
    with (
        cluster.forwarded(namespace, "service/gateway", GATEWAY.ports["http"]) as gateway,
        cluster.forwarded(namespace, "service/realtime-http", REALTIME.ports["http"]) as realtime,
        cluster.forwarded(namespace, "service/payment-http", PAYMENT.ports["http"]) as psp,
        cluster.forwarded(namespace, "service/mailbox", topology().mailbox["http"]) as mailbox,
    ):
        wait_until(lambda: _peers_missing(gateway), within_s=30)
        settings = SaleSettings(
            gateway=f"http://{gateway}",
            realtime=f"ws://{realtime}/ws",
            psp=f"http://{psp}",
            mailbox=f"http://{mailbox}",
            buyers=buyers,
            seed=seed,
        )
        return asyncio.run(run_sale(settings, Console(file=StringIO())))


def _peers_missing(gateway: str) -> str:
    """The gateway is ready as soon as orders can be put in line; the rest it sees within seconds."""
    with urllib.request.urlopen(f"http://{gateway}{GATEWAY.health.path}", timeout=10) as response:
        parts = json.load(response)["components"]
    return ", ".join(name for name, part in parts.items() if part["status"] != "UP")
