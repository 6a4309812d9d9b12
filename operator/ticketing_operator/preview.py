"""What the loop would do, without doing it: the same functions, for `render` and `diff`."""

from collections.abc import Mapping

from ticketing_operator.charts import Renderer
from ticketing_operator.children import Children
from ticketing_operator.cluster import Cluster
from ticketing_operator.diff import as_text, changes
from ticketing_operator.kinds import PLATFORM, SECRETS
from ticketing_operator.names import Object, PlatformKey
from ticketing_operator.refusals import refuse_nonsense
from ticketing_operator.rendering import Rendering
from ticketing_operator.secret_keeper import SecretKeeper
from ticketing_operator.spec import read_spec
from ticketing_operator.transport import ApiTransport, connect

# Of a platform that is in no cluster.
_NO_UID = "00000000-0000-0000-0000-000000000000"


class Preview:
    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    async def rendered(self, platform: Object, digests: Mapping[str, str] | None = None) -> list[Object]:
        """The objects of a platform that may be in no cluster yet. Raises what the loop would put in the status."""
        spec, key = read_spec(platform.get("spec") or {}), PlatformKey.of(platform)
        refuse_nonsense(key.name, spec)
        known = {**platform, "metadata": {"uid": _NO_UID, **platform["metadata"]}}
        return await Rendering(self._renderer).objects(key, known, spec, digests or {})

    async def diff(self, platform: Object, *, against: Object | None = None) -> str:
        """From what is asked for now, in the cluster or in `against`, to what the file asks for."""
        digests: Mapping[str, str] = {}
        if against is None:
            against, digests = await _in_cluster(PlatformKey.of(platform))
        meta = (against or platform)["metadata"]
        same = {"namespace": platform["metadata"]["namespace"], "uid": meta.get("uid", _NO_UID)}
        after = await self.rendered({**platform, "metadata": {**platform["metadata"], **same}}, digests)
        before = [] if against is None else await self.rendered(
            {**against, "metadata": {**against["metadata"], **same}}, digests
        )  # fmt: skip
        return as_text(changes(before, after), after)


async def _in_cluster(key: PlatformKey) -> tuple[Object | None, Mapping[str, str]]:
    client = await connect()
    try:
        cluster, children = Cluster(ApiTransport(client)), Children()
        for access in (PLATFORM, SECRETS):
            for item in await cluster.list_managed(access, key.namespace):
                children.saw(item)
        platform = children.platform(key)
        if platform is None:
            return None, {}
        return platform, SecretKeeper(cluster, children).digests(key, platform["metadata"]["uid"])
    finally:
        await client.close()
