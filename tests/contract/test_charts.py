"""Both renderers, Helm's program and Helm's library, give the same objects for the same values."""

from __future__ import annotations

import pytest
from ticketing_operator.charts import HelmProgram, NotRendered, Renderer
from ticketing_operator.names import Object, Ref
from ticketing_operator.settings import REPOSITORY
from ticketing_operator.spec import read_spec
from ticketing_operator.values import platform_values, store_values

from tests.cluster.api_server import NoPrograms, program
from tests.twins.helm_sdk import HelmLibrary

CHARTS = REPOSITORY / "charts"
SPEC = read_spec({"version": "1.2.3", "realtime": {"autoscaling": {"mode": "keda"}}})


def renderers() -> list[Renderer]:
    """The library alone where there is no program: the operator's image brings its own."""
    try:
        return [HelmLibrary(CHARTS), HelmProgram(CHARTS, program("helm"))]
    except NoPrograms:
        return [HelmLibrary(CHARTS)]


def in_order(things: list[Object]) -> list[Object]:
    return sorted(things, key=Ref.of)


async def test_renderers_agree() -> None:
    wanted = [("platform", platform_values(SPEC)), ("datastores", store_values(SPEC) or {})]

    for chart, values in wanted:
        answers = [in_order(await one.render(chart, values, name="shop", namespace="a")) for one in renderers()]

        assert answers[0]
        assert all(answer == answers[0] for answer in answers)


async def test_every_renderer_refuses_what_the_charts_refuse_and_names_it() -> None:
    for one in renderers():
        with pytest.raises(NotRendered, match="replicaz"):
            await one.render("auth", {"replicaz": 3}, name="shop", namespace="a")


async def test_objects_bear_the_name_and_namespace_they_were_rendered_for() -> None:
    for one in renderers():
        things = await one.render("auth", {}, name="shop", namespace="a")

        assert {thing["metadata"]["namespace"] for thing in things} == {"a"}
        assert {thing["metadata"]["labels"]["app.kubernetes.io/instance"] for thing in things} == {"shop"}
