"""A mesh of Secrets in memory, and a clock that is set by hand: every pass does what the operator would."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ticketing_operator.authority import Leaf
from ticketing_operator.certificate_keeper import CertificateKeeper, Kept
from ticketing_operator.children import Children
from ticketing_operator.cluster import Cluster
from ticketing_operator.mesh_modes import IDENTITIES
from ticketing_operator.mesh_secrets import AUTHORITY_SECRET, identity_secret, read_leaf
from ticketing_operator.names import API_VERSION, KIND, Kind, PlatformKey, Ref
from ticketing_operator.spec import read_spec
from ticketing_operator.transport import Refused, Request, Unanswered

from services.kit.pki import certificates_in, describe

KEY, UID = PlatformKey("shop", "tickets"), "uid-1"
BEGAN = datetime(2030, 1, 1, tzinfo=UTC)
SETTLES = timedelta(seconds=180)
SECRET = Kind("v1", "Secret")


@dataclass
class Shelf:
    """Secrets as an API server keeps them: made once, changed by merging, each change another version."""

    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    fails_at: int = 0
    _versions: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    async def send(self, request: Request) -> dict[str, Any]:
        name = request.path.rpartition("/")[2]
        self.sent.append(f"{request.method} {name}")
        if len(self.sent) == self.fails_at:
            raise Unanswered("broken")
        body: dict[str, Any] = dict(request.body or {})
        if request.method == "POST":
            return self._post(body)
        if name not in self.secrets:
            raise Refused(404, "NotFound", name)
        return self._patch(name, body) if request.method == "PATCH" else self.secrets[name]

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["metadata"]["name"]
        if name in self.secrets:
            raise Refused(409, "AlreadyExists", name)
        meta = {**body["metadata"], "uid": f"secret-{name}", "resourceVersion": str(self._versions())}
        self.secrets[name] = {**body, "metadata": meta}
        return self.secrets[name]

    def _patch(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        there = self.secrets[name]
        if body["metadata"]["resourceVersion"] != there["metadata"]["resourceVersion"]:
            raise Unanswered("somebody else wrote", contended=True)
        annotations = {**there["metadata"].get("annotations", {}), **body["metadata"].get("annotations", {})}
        meta = {**there["metadata"], "annotations": annotations, "resourceVersion": str(self._versions())}
        data = {key: value for key, value in {**there["data"], **body["data"]}.items() if value is not None}
        self.secrets[name] = {**there, "metadata": meta, "data": data}
        return self.secrets[name]

    @property
    def writes(self) -> list[str]:
        return [line for line in self.sent if not line.startswith("GET")]


@dataclass
class MeshWorld:
    shelf: Shelf = field(default_factory=Shelf)
    now: datetime = BEGAN
    annotations: dict[str, str] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=lambda: {"mtls": "strict"})

    def look(self, shelf: Shelf | None = None) -> Kept:
        """One pass of an operator that was just started: all it knows is what the watches tell."""
        children = Children()
        for secret in self.shelf.secrets.values():
            children.saw(secret)
        cluster = Cluster(shelf or self.shelf)
        keeper = CertificateKeeper(cluster, children, settles=SETTLES, now=lambda: self.now)
        meta = {"name": KEY.name, "namespace": KEY.namespace, "uid": UID, "annotations": self.annotations}
        platform = {"apiVersion": API_VERSION, "kind": KIND, "metadata": meta}
        return asyncio.run(keeper.keep(KEY, platform, read_spec({"version": "1", "mesh": self.spec})))

    def told(self, name: str) -> Any:
        """A Secret as the watches tell of it."""
        children = Children()
        children.saw(self.shelf.secrets[name])
        return children.of(KEY, uid=UID)[Ref(SECRET, name)]

    def leaf(self, service: str) -> Leaf:
        leaf = read_leaf(self.told(identity_secret(service)))
        assert leaf is not None
        return leaf

    def leaves(self) -> Mapping[str, Leaf]:
        return {service: self.leaf(service) for service in IDENTITIES}

    def value(self, secret: str, key: str) -> bytes:
        return base64.b64decode(self.shelf.secrets[secret]["data"][key])

    def signer(self) -> str:
        """Key id of the authority that signs."""
        return describe(self.value(AUTHORITY_SECRET, "tls.crt")).key_id

    def pods_see(self) -> Mapping[str, Mounted]:
        """What every pod would have read of its folder now."""
        return {
            service: Mounted(
                signed_by=describe(self.value(identity_secret(service), "tls.crt")).signed_by,
                trusts=frozenset(
                    describe(root).key_id for root in certificates_in(self.value(identity_secret(service), "ca.crt"))
                ),
            )
            for service in IDENTITIES
        }


@dataclass(frozen=True)
class Mounted:
    """One version of a service's Secret, as its pods know it."""

    signed_by: str
    trusts: frozenset[str]
