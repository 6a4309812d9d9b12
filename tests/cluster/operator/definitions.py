"""Kinds that an API server learns while it runs: our own, and those of other projects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from ticketing_operator.kinds import OWNED, Access
from ticketing_operator.names import Object
from ticketing_operator.transport import APPLY, Refused, Request, Transport

from tests.waiting import until

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_EVERY_S = 0.1


async def define(admin: Transport, definitions: Sequence[Object]) -> None:
    """Apply definitions and wait until the API server serves them."""
    query = {"fieldManager": "person", "force": "true"}
    for definition in definitions:
        path = f"{_DEFINITIONS}/{definition['metadata']['name']}"
        await admin.send(Request(method="PATCH", path=path, query=query, body=definition, content_type=APPLY))
    for definition in definitions:
        served = Request(method="GET", path=_list_of(definition), query={"limit": "1"})
        await until(partial(_is_there, admin, served), every_s=_EVERY_S)


@asynccontextmanager
async def defined(admin: Transport, definitions: Sequence[Object]) -> AsyncIterator[None]:
    """Served while the block lasts; then the API server knows these kinds no more, nor any object of theirs."""
    try:
        await define(admin, definitions)
        yield
    finally:
        paths = [f"{_DEFINITIONS}/{definition['metadata']['name']}" for definition in definitions]
        await asyncio.gather(*(admin.send(Request(method="DELETE", path=path)) for path in paths))
        for path in paths:
            asked = Request(method="GET", path=path)
            await until(partial(_is_gone, admin, asked), every_s=_EVERY_S)


def stand_ins() -> list[Object]:
    """All that other projects define and the operator makes."""
    return [stand_in(access) for access in OWNED if access.foreign]


def stand_in(access: Access) -> Object:
    """Another project's definition, as far as these tests need it: anything goes."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    kind, plural = access.kind, access.plural
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{kind.group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {
            "group": kind.group,
            "scope": "Namespaced",
            "names": {"kind": kind.kind, "plural": plural, "singular": kind.kind.lower()},
            "versions": [{"name": kind.version, "served": True, "storage": True, "schema": schema}],
        },
    }


def _list_of(definition: Object) -> str:
    spec = definition["spec"]
    return f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"


async def _is_there(admin: Transport, asked: Request) -> bool:
    try:
        await admin.send(asked)
    except Refused as refusal:
        if refusal.is_missing:
            return False
        raise
    return True


async def _is_gone(admin: Transport, asked: Request) -> bool:
    return not await _is_there(admin, asked)
