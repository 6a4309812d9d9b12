"""The real Prometheus scrapes a real sale: every query has an answer, and every page is in order."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress

import aiohttp
import pytest

from observe.boards import ALL
from observe.panels import NAMESPACE, WINDOW
from observe.promql import metrics_in
from observe.queries import rules
from services.kit.topology import topology
from services.local.ports import service_port
from services.local.watching.series import count_series
from tests.integration.observe.conftest import Watched, ask
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
PROMTOOL = shutil.which("promtool")
WITH_METRICS = [row.name for row in topology().python_services]
QUERIES = [
    (f"{board.title}: {panel.title}: {q.legend}", board.asked(q))
    for board in ALL
    if board.of_a_platform  # nobody runs an operator on a laptop; tests/cluster/operator asks its own
    for panel in board.panels
    for q in panel.queries
]
MOST_SERIES = 10_000
OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
# As a cluster would see them, when all has gone well: nothing fires but what the sale itself is made of.
QUIET = ("ServiceDown", "ServiceMissing", "DependencyDown", "SeatsOversold", "FactsBuried", "OrdersBuried", "RpcErrors")


async def page(web: aiohttp.ClientSession, service: str, **headers: str) -> str:
    row = topology().services[service]
    assert row.metrics is not None
    url = f"http://127.0.0.1:{service_port(service, row.metrics.port)}{row.metrics.path}"
    async with web.get(url, headers=headers) as response:
        return await response.text()


@pytest.mark.parametrize("service", WITH_METRICS)
async def test_promtool_finds_nothing_wrong_with_a_page(
    watched: Watched, web: aiohttp.ClientSession, service: str
) -> None:
    lint = await asyncio.create_subprocess_exec(
        str(PROMTOOL), "check", "metrics", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, said = await lint.communicate((await page(web, service)).encode())

    assert (lint.returncode, said.decode()) == (0, "")


@pytest.mark.parametrize("service", WITH_METRICS)
async def test_prometheus_reaches_every_service(watched: Watched, web: aiohttp.ClientSession, service: str) -> None:
    (target,) = await ask(web, watched.prometheus, f'up{{job="{service}"}}')

    assert target["value"][1] == "1"


@pytest.mark.parametrize(("where", "expr"), QUERIES, ids=[where for where, _ in QUERIES])
async def test_every_query_of_a_dashboard_returns_data(
    watched: Watched, web: aiohttp.ClientSession, where: str, expr: str
) -> None:
    assert await ask(web, watched.prometheus, expr.replace(WINDOW, "5m").replace(NAMESPACE, ".*"))


async def test_every_metric_of_an_alert_is_there(watched: Watched, web: aiohttp.ClientSession) -> None:
    recorded = {rule.name for rule in rules() if not rule.is_alert}
    named = {name for rule in rules() for name in metrics_in(rule.expr)} - recorded

    # Nobody runs an operator on a laptop; tests/cluster/operator asks its own.
    named = {name for name in named if not name.startswith("ticketing_operator_")}
    missing = [name for name in sorted(named) if not await ask(web, watched.prometheus, f"count({name})")]

    assert missing == []


async def test_recording_rules_have_recorded(watched: Watched, web: aiohttp.ClientSession) -> None:
    recorded = [rule.name for rule in rules() if not rule.is_alert]

    async def missing() -> list[str]:
        return [name for name in recorded if not await ask(web, watched.prometheus, name)]

    async def all_there() -> bool:
        return not await missing()

    with suppress(TimeoutError):
        await until(all_there)
    assert await missing() == []


async def test_a_sale_that_went_well_fires_nothing(watched: Watched, web: aiohttp.ClientSession) -> None:
    firing = {one["metric"]["alertname"] for one in await ask(web, watched.prometheus, 'ALERTS{alertstate="firing"}')}

    assert firing.isdisjoint(QUIET)


async def test_a_whole_sale_is_few_series(watched: Watched, web: aiohttp.ClientSession) -> None:
    (series,) = await ask(web, watched.prometheus, 'count({job!=""})')
    by_service = await ask(web, watched.prometheus, 'sort_desc(count by (job) ({job!=""}))')

    print("series:", series["value"][1], {one["metric"]["job"]: one["value"][1] for one in by_service})
    assert int(series["value"][1]) < MOST_SERIES


async def test_what_the_demo_counts_is_what_prometheus_keeps(watched: Watched, web: aiohttp.ClientSession) -> None:
    async def the_same() -> bool:
        scraped = await ask(web, watched.prometheus, "scrape_samples_scraped")
        return {one["metric"]["job"]: int(one["value"][1]) for one in scraped} == await count_series()

    await until(the_same)


async def test_what_was_sold_is_what_the_metrics_say(watched: Watched, web: aiohttp.ClientSession) -> None:
    (confirmed,) = await ask(web, watched.prometheus, 'sum(bookings_total{outcome="confirmed"})')
    (sold,) = await ask(web, watched.prometheus, "sum(seats_sold_total)")
    (queued,) = await ask(web, watched.prometheus, 'sum(gateway_orders_total{outcome="queued"})')
    (decided,) = await ask(web, watched.prometheus, "sum(queue_outcomes_total)")

    assert 0 < int(confirmed["value"][1]) <= int(sold["value"][1])
    assert queued["value"][1] == decided["value"][1]


async def test_a_measurement_leads_to_its_trace(watched: Watched, web: aiohttp.ClientSession) -> None:
    text = await page(web, "gateway", **OPEN_METRICS)

    exemplars = [line for line in text.splitlines() if "http_server_duration_seconds_bucket" in line and "# {" in line]
    traces = {line.split('trace_id="')[1][:32] for line in exemplars}

    assert text.endswith("# EOF\n")
    assert traces
    await until(lambda: traces & {span.trace_id for span in watched.collector.spans})
