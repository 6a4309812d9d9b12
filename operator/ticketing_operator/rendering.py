"""A platform's objects, rendered once for the same values: at rest no Helm is started."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from ticketing_operator.charts import Renderer
from ticketing_operator.compare import fingerprint
from ticketing_operator.credentials import read_by
from ticketing_operator.decorate import owned
from ticketing_operator.names import SECRETS_ANNOTATION, Object, PlatformKey
from ticketing_operator.plan import service_of
from ticketing_operator.spec import SERVICES, Spec
from ticketing_operator.values import MANAGED_REDIS_SECRET, platform_values, store_values


class Rendering:
    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        # Packed: twenty platforms are 1,600 objects.
        self._packed: dict[PlatformKey, tuple[str, bytes]] = {}
        # One at a time: what a platform is while it is unpacked is several MiB, that the process would keep.
        self._alone = asyncio.Lock()

    async def objects(self, key: PlatformKey, platform: Object, spec: Spec, digests: Mapping[str, str]) -> list[Object]:
        """All objects of the platform, as its own. `digests` are those of the Secrets that were made for it."""
        values, stores = with_digests(platform_values(spec), spec, digests), store_values(spec)
        if stores is not None and MANAGED_REDIS_SECRET in digests:
            stores["podAnnotations"] = {SECRETS_ANNOTATION: digests[MANAGED_REDIS_SECRET]}
        mark = fingerprint({"values": values, "stores": stores})
        packed = self._packed.get(key)
        if packed is None or packed[0] != mark:
            async with self._alone:
                packed = mark, msgspec.json.encode(await self._render(key, values, stores))
            self._packed[key] = packed
        things = [with_mark_of_its_role(thing, digests) for thing in msgspec.json.decode(packed[1])]
        return owned(things, platform)

    async def _render(
        self, key: PlatformKey, values: Mapping[str, Any], stores: Mapping[str, Any] | None
    ) -> list[Object]:
        things = await self._renderer.render("platform", values, name=key.name, namespace=key.namespace)
        if stores is not None:
            things += await self._renderer.render("datastores", stores, name=key.name, namespace=key.namespace)
        return things

    def forget(self, key: PlatformKey) -> None:
        self._packed.pop(key, None)


def with_digests(values: Mapping[str, Any], spec: Spec, digests: Mapping[str, str]) -> dict[str, Any]:
    """The values, with one annotation a service for the Secrets its pods read."""
    marked = dict(values)
    for service in SERVICES:
        if read := {name: digests[name] for name in read_by(service, spec) if name in digests}:
            marked[service] = marked[service] | {"podAnnotations": {SECRETS_ANNOTATION: fingerprint(read)}}
    return marked


def with_mark_of_its_role(thing: Object, digests: Mapping[str, str]) -> Object:
    """A migration Job also sets the password of the service's role: a new password means that it runs again."""
    digest = digests.get(f"{service_of(thing)}-postgres")
    if thing["kind"] != "Job" or digest is None:
        return thing
    meta = thing["metadata"]
    marked = {**(meta.get("annotations") or {}), SECRETS_ANNOTATION: digest}
    return {**thing, "metadata": {**meta, "annotations": marked}}
