"""A sick pod is left out, a new one gets its share, and who is overloaded says so."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest
from grpc_health.v1 import health_pb2

from protos.gen import ticket_pb2 as pb
from services.kit.errors import NotNow
from services.kit.rpc.breaker import FAILURES, LONGEST_S
from services.kit.rpc.identity import Security
from tests.integration.mesh.conftest import Platform, Pod, ask, hang, health_stub, new_pod, peer, serving, unavailable
from tests.twins.dns import serving_names
from tests.waiting import until

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
CLEAR = Security()
# A machine that is busy with other things.
SLACK_S = 3.0


async def three_pods(stack: AsyncExitStack, port: int, security: Security) -> list[Pod]:
    pods = [new_pod(host) for host in HOSTS]
    for pod in pods:
        await stack.enter_async_context(serving(pod, security, port=port, host=pod.name))
    return pods


async def answers(asked: Any, count: int, *, timeout_s: float = 0.5) -> Counter[str]:
    found: Counter[str] = Counter()
    for _ in range(count):
        try:
            found[await ask(asked, timeout_s=timeout_s)] += 1
        except NotNow:
            found["failed"] += 1
    return found


@pytest.mark.parametrize("sickness", [unavailable, hang])
async def test_a_sick_pod_is_left_out(platform: Platform, port: int, stack: AsyncExitStack, sickness: Any) -> None:
    pods = await three_pods(stack, port, platform.security("ticket"))
    _, server = await stack.enter_async_context(serving_names(*HOSTS))
    asked = await stack.enter_async_context(peer(f"{server}ticket:{port}", platform.security("gateway")))
    await answers(asked, 30)
    pods[1].answer = sickness

    # Until it was noticed: every third call, for about two intervals.
    async def left_out() -> bool:
        return not (await answers(asked, 12, timeout_s=0.2))["failed"]

    await until(left_out, within_s=15)

    assert (await answers(asked, 30))["failed"] == 0


async def test_a_new_pod_gets_its_share_within_seconds(platform: Platform, port: int, stack: AsyncExitStack) -> None:
    await three_pods(stack, port, CLEAR)
    names, server = await stack.enter_async_context(serving_names(*HOSTS[:2]))
    asked = await stack.enter_async_context(peer(f"{server}ticket:{port}", CLEAR))
    assert set(await answers(asked, 20)) == set(HOSTS[:2])
    names.addresses.append(HOSTS[2])

    async def shared() -> bool:
        return HOSTS[2] in await answers(asked, 12)

    await until(shared, within_s=5.0 + SLACK_S)


async def test_too_many_calls_are_turned_away_and_health_is_not(port: int, stack: AsyncExitStack) -> None:
    pod = new_pod()
    await stack.enter_async_context(serving(pod, CLEAR, port=port, max_at_work=2))
    asked = await stack.enter_async_context(peer(f"localhost:{port}", CLEAR))
    pod.answer = hang
    waiting = [asyncio.create_task(ask(asked, timeout_s=5)) for _ in range(2)]
    await until(lambda: pod.calls == 2)

    with pytest.raises(NotNow) as turned_away:
        await asked.call(asked.stub.GetTicketKeys, pb.GetTicketKeysRequest())
    health = health_stub(asked._channels.current())
    healthy = await health.Check(health_pb2.HealthCheckRequest(service="liveness"))

    assert turned_away.value.reason == "overloaded"
    assert turned_away.value.retry_after_s
    assert healthy.status == health_pb2.HealthCheckResponse.SERVING
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_peer_of_which_nothing_comes_back_is_left_alone_and_found_again(
    port: int, stack: AsyncExitStack
) -> None:
    pod = new_pod()
    await stack.enter_async_context(serving(pod, CLEAR, port=port))
    asked = await stack.enter_async_context(peer(f"localhost:{port}", CLEAR))
    pod.answer = unavailable
    assert (await answers(asked, FAILURES))["failed"] == FAILURES
    sent = pod.calls

    assert (await answers(asked, 50))["failed"] == 50
    assert pod.calls - sent <= 2, "but for a trial"
    pod.answer = None

    async def found() -> bool:
        return (await answers(asked, 1))["pod"] == 1

    await until(found, within_s=LONGEST_S + SLACK_S)
    assert (await answers(asked, 30))["failed"] == 0
