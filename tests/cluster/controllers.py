"""What Kubernetes' controllers would say of objects, said at once: for API servers that have none."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ticketing_operator.compare import differences
from ticketing_operator.kinds import BY_KIND, OWNED, Access
from ticketing_operator.names import Kind, Object
from ticketing_operator.transport import Refused, Request, Transport

_NOW: Final = "2030-01-01T00:00:00Z"
DEPLOYMENT, STATEFUL_SET, JOB = Kind("apps/v1", "Deployment"), Kind("apps/v1", "StatefulSet"), Kind("batch/v1", "Job")
CERTIFICATE = Kind("cert-manager.io/v1", "Certificate")


class Controllers:
    """Plays the controllers of one namespace, for whoever may do everything."""

    def __init__(self, transport: Transport, namespace: str) -> None:
        self._transport, self.namespace = transport, namespace

    async def everything_gets_ready(self) -> int:
        """Bring every object to what it asks for. How many were not there yet."""
        become = {
            STATEFUL_SET: _of_stateful_set,
            JOB: _of_job,
            DEPLOYMENT: _of_deployment,
            CERTIFICATE: _of_certificate,
        }
        lists = await asyncio.gather(*(self.all(kind) for kind in become))
        asked = [(thing, {"status": become[Kind.of(thing)](thing)}) for things in lists for thing in things]
        behind = [(thing, reached) for thing, reached in asked if differences(reached, thing)]
        await asyncio.gather(*(self._gets_there(thing, reached) for thing, reached in behind))
        return len(behind)

    async def _gets_there(self, thing: Object, reached: Object) -> None:
        kind = Kind.of(thing)
        where = "" if kind == CERTIFICATE else "/status"  # a stand-in's status is no subresource
        await self.patch(kind, thing["metadata"]["name"], reached, subresource=where)

    async def job_fails(self, name: str, message: str) -> None:
        failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": message}
        target = failed | {"type": "FailureTarget"}
        status = {"startTime": _NOW, "failed": 1, "conditions": [_dated(target), _dated(failed)]}
        await self.patch(JOB, name, {"status": status}, subresource="/status")

    async def rollout_hangs(self, name: str) -> None:
        hung = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
        (thing,) = [thing for thing in await self.all(DEPLOYMENT) if thing["metadata"]["name"] == name]
        status = {"observedGeneration": thing["metadata"]["generation"], "conditions": [_dated(hung)]}
        await self.patch(DEPLOYMENT, name, {"status": status}, subresource="/status")

    async def all(self, kind: Kind) -> list[dict[str, Any]]:
        try:
            listed = await self._send("GET", BY_KIND[kind])
        except Refused as refusal:
            if refusal.is_missing and BY_KIND[kind].foreign:
                return []
            raise
        return [{"apiVersion": kind.api_version, "kind": kind.kind} | item for item in listed["items"]]

    async def owned(self) -> list[dict[str, Any]]:
        """Everything of the kinds that the operator makes."""
        return [thing for access in OWNED if not access.foreign for thing in await self.all(access.kind)]

    async def patch(self, kind: Kind, name: str, body: Object, *, subresource: str = "") -> dict[str, Any]:
        return await self._send("PATCH", BY_KIND[kind], f"/{name}{subresource}", body, "application/merge-patch+json")

    async def create(self, thing: Object) -> dict[str, Any]:
        return await self._send("POST", BY_KIND[Kind.of(thing)], "", thing)

    async def delete(self, kind: Kind, name: str) -> None:
        """Gone at once, also what waits for its last pods elsewhere."""
        try:
            await self._send("DELETE", BY_KIND[kind], f"/{name}", {"gracePeriodSeconds": 0})
        except Refused as refusal:
            if not refusal.is_missing:
                raise

    async def everything_goes(self) -> None:
        """The namespace is as empty as one whose platform was deleted and whose garbage was collected."""
        await asyncio.gather(*(self._none_left(access) for access in BY_KIND.values()))

    async def _none_left(self, access: Access) -> None:
        at_once = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        try:
            await self._send("DELETE", access, "", at_once)
        except Refused as refusal:
            if not (refusal.is_missing and access.foreign):
                raise

    async def _send(
        self, method: str, access: Access, rest: str = "", body: Object | None = None, content: str = "application/json"
    ) -> dict[str, Any]:
        path = f"{access.root}/namespaces/{self.namespace}/{access.plural}{rest}"
        return await self._transport.send(Request(method=method, path=path, body=body, content_type=content))


def _of_deployment(thing: Object) -> dict[str, Any]:
    pods = thing["spec"]["replicas"]
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), pods)
    progress = _dated({"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"})
    del progress["lastProbeTime"]
    some = {key: count for key, count in counts.items() if count}
    return {"observedGeneration": thing["metadata"]["generation"], "conditions": [progress], **some}


def _of_stateful_set(thing: Object) -> dict[str, Any]:
    pods = thing["spec"]["replicas"]
    counts = dict.fromkeys(
        ("replicas", "updatedReplicas", "readyReplicas", "currentReplicas", "availableReplicas"), pods
    )
    revisions = {"currentRevision": "1", "updateRevision": "1"}
    return {"observedGeneration": thing["metadata"]["generation"], **counts, **revisions}


def _of_job(thing: Object) -> dict[str, Any]:
    if any(
        condition["type"] in {"Complete", "Failed"} for condition in (thing.get("status") or {}).get("conditions", ())
    ):
        return {}
    done = [{"type": kind, "status": "True"} for kind in ("SuccessCriteriaMet", "Complete")]
    return {"startTime": _NOW, "completionTime": _NOW, "succeeded": 1, "conditions": [_dated(one) for one in done]}


def _of_certificate(thing: Object) -> dict[str, Any]:
    return {"notAfter": _NOW, "conditions": [{"type": "Ready", "status": "True", "message": "is up to date"}]}


def _dated(condition: dict[str, str]) -> dict[str, str]:
    return condition | {"lastTransitionTime": _NOW, "lastProbeTime": _NOW}
