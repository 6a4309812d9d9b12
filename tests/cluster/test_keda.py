"""Realtime follows its sockets through the real KEDA: guests who come add pods, and take them away under a sale."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import StringIO

import pytest
from rich.console import Console

from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.guests import Guests
from tests.cluster.keda import keda
from tests.cluster.platforms import Platform, why_inactive
from tests.cluster.realtime import pods_are, sockets
from tests.cluster.sale import failed_bookings, meanwhile, way_in
from tests.load.sale.sale import run_sale
from tests.load.sale.settings import SaleSettings
from tests.load.sale.verdict import Verdict

GROWS_S, GONE_S = 180, 120
# An autoscaler shrinks after five quiet minutes, and then by a pod a minute.
SHRINKS_S = 600
PER_POD, MOST = 60, 3
# More than two pods' share come to look; less than one pod's share come to buy.
GUESTS, BUYERS, RUSH_S = 150, 50, 450.0
# Buyers who leave, or come back elsewhere, in the meantime, as some do in every sale.
STRAY = BUYERS // 5
BY_SOCKETS = {"mode": "keda", "minReplicas": 1, "maxReplicas": MOST, "connectionsPerPod": PER_POD}
pytestmark = pytest.mark.timeout(2400)


@pytest.fixture
def scaled(cluster: Cluster, platform: Platform) -> Iterator[Platform]:
    """By its sockets, as long as the test lasts."""
    with keda(cluster):
        platform.edit({"realtime": {"autoscaling": BY_SOCKETS}})
        try:
            platform.wait_until_ready()
            wait_until(lambda: not_scaled(platform), within_s=GROWS_S)
            yield platform
        finally:
            platform.edit({"realtime": None})
            wait_until(lambda: " ".join(names(platform, "scaledobjects,hpa")), within_s=GONE_S)
            wait_until(lambda: pods_are(platform, 1), within_s=GONE_S)
    platform.wait_until_ready()


def test_sockets_add_pods_and_their_end_takes_pods_away_while_a_sale_runs(cluster: Cluster, scaled: Platform) -> None:
    spread, left = dict[str, int](), dict[str, int]()

    def shrink() -> None:
        wait_until(lambda: pods_are(scaled, 1), within_s=SHRINKS_S)
        left.update(sockets(scaled))

    async def sale(settings: SaleSettings) -> Verdict:
        guests = Guests(settings.realtime)
        await guests.come(GUESTS)
        await asyncio.to_thread(wait_until, lambda: pods_are(scaled, MOST), within_s=GROWS_S)

        @asynccontextmanager
        async def guests_leave() -> AsyncIterator[None]:
            await guests.leave()
            spread.update(await asyncio.to_thread(sockets, scaled))
            async with meanwhile(shrink)():
                yield

        return await run_sale(settings, Console(file=StringIO()), around=guests_leave)

    with way_in(cluster, scaled.namespace, buyers=BUYERS, seed=13, rush_s=RUSH_S) as settings:
        verdict = asyncio.run(sale(settings))

    print(f"{GUESTS} guests: {MOST} pods; buyers on {list(spread.values())}, then {left}; {verdict.crowd}")
    assert verdict.holds, verdict
    assert failed_bookings(verdict) == {}
    assert len(spread) == MOST
    assert all(spread.values())
    (survivor,) = left
    assert verdict.crowd["sockets_dropped"] >= sum(spread.values()) - spread[survivor] - STRAY


def not_scaled(platform: Platform) -> str:
    """What keeps the autoscaler that KEDA makes from scaling."""
    scalers = platform.cluster.get("hpa", platform.namespace, "scaledobject.keda.sh/name=realtime")
    return why_inactive(scalers[0]) if scalers else "KEDA has made no autoscaler"


def names(platform: Platform, kinds: str) -> list[str]:
    return [one["metadata"]["name"] for one in platform.cluster.get(kinds, platform.namespace)]
