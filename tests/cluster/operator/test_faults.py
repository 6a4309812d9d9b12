"""Fail the k-th request, for every k: the platform still comes about, and comes out the same."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any

import pytest
from ticketing_operator.handlers import WATCHED
from ticketing_operator.kinds import BY_KIND, PLATFORM
from ticketing_operator.names import Ref
from ticketing_operator.reconcile import TryAgain
from ticketing_operator.transport import Transport

from tests.cluster.controllers import DEPLOYMENT, JOB, STATEFUL_SET
from tests.cluster.operator.conftest import Operator, World, new_world

SPEC: dict[str, Any] = {"version": "1.0.0", "monitoring": {"serviceMonitors": False}, "mesh": {"mtls": "permissive"}}
UPGRADED = SPEC | {"version": "2.0.0", "services": {"booking": {"replicas": 2}}, "mesh": {"mtls": "strict"}}
# So that a test is done in a minute or so; together they fail every request.
SHARES = 4
CONTROLLED = tuple(BY_KIND[kind] for kind in (PLATFORM.kind, STATEFUL_SET, JOB, DEPLOYMENT))
# From nothing to an upgraded platform that then loses an object of its own.
pytestmark = pytest.mark.timeout(600)


async def live(operator: Operator, number: int = 0) -> list[int]:
    """A whole life in three parts (made, upgraded, healed) that goes on after every failure as the queue would. In each
    part the request of that number fails, if it has as many. How many requests each part took."""
    world, took = operator.world, []

    async def part(begin: Awaitable[object]) -> None:
        await begin
        before = len(operator.recording.sent)
        operator.recording.fail(number)
        await settled(operator)
        took.append(len(operator.recording.sent) - before)

    await part(world.ask(SPEC))
    await part(world.ask(UPGRADED))
    await part(world.controllers.delete(DEPLOYMENT, "ticket"))
    return took


async def settled(operator: Operator) -> None:
    changed = WATCHED
    for _ in range(40):
        try:
            verdict = await operator.look(changed=changed)
        except TryAgain:
            changed = WATCHED
            continue
        # Only these change by themselves.
        changed = CONTROLLED
        assert verdict is not None
        moved = await operator.world.controllers.everything_gets_ready()
        if not moved and verdict.state == "ready":
            return
    raise AssertionError(f"not settled: {verdict}")


async def picture(world: World) -> dict[str, Any]:
    """What the platform came to be, without what differs from one namespace to another."""
    things = {str(Ref.of(thing)): thing for thing in await world.controllers.owned()}
    status = (await world.platform())["status"]
    images = {
        name: thing["spec"]["template"]["spec"]["containers"][0]["image"]
        for name, thing in things.items()
        if name.startswith("Deployment/")
    }
    # Names of Jobs have a fingerprint of Secrets' names and hosts only, so they are the same in every namespace.
    names = sorted(re.sub(r"-[0-9a-f]{8}$", "", name) for name in things)
    return {"objects": names, "images": images, "services": status["servicesReady"], "version": status["version"]}


@pytest.mark.parametrize("share", range(SHARES))
async def test_whichever_request_fails_the_platform_comes_about_all_the_same(admin: Transport, share: int) -> None:
    async with new_world(admin) as undisturbed:
        requests = await live(undisturbed.operator())
        expected = await picture(undisturbed)

    for number in range(1 + share, max(requests) + 1, SHARES):
        async with new_world(admin) as world:
            # In turn: lost on its way there, and lost on its way back, when it was done all the same.
            operator = world.operator(after=number // SHARES % 2 == 1)

            await live(operator, number)

            failed = [f"{request.method} {request.path}" for request in operator.recording.failed]
            assert len(failed) == sum(number <= count for count in requests), f"request {number} failed: {failed}"
            assert await picture(world) == expected, f"request {number}: {failed}"
    print(f"of {requests} requests every {SHARES}th from {1 + share} failed once")


async def test_an_operator_that_dies_at_any_step_leaves_nothing_that_its_successor_can_not_go_on_from(
    world: World,
) -> None:
    await world.ask(SPEC)

    for step in range(1, 200, 7):
        dying = world.operator(fail_at=step, after=True)
        try:
            verdict = await dying.look()
        except TryAgain:
            # Dead: what it knew is gone, and the controllers went on meanwhile.
            await world.controllers.everything_gets_ready()
            continue
        moved = await world.controllers.everything_gets_ready()
        if not moved and verdict is not None and verdict.state == "ready":
            break

    assert (await world.platform())["status"]["servicesReady"] == "10/10"
    successor = world.operator()
    await successor.look()
    assert successor.recording.writes == []
