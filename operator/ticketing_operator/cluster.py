"""The cluster in the operator's words: apply, create, delete, list. Every method may be called twice."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from ticketing_operator.compare import differences
from ticketing_operator.kinds import BY_KIND, EVENTS, PLATFORM, PODS, SECRETS, Access
from ticketing_operator.names import FIELD_MANAGER, MANAGED, Kind, Object, PlatformKey, Ref
from ticketing_operator.ownership import taken_over
from ticketing_operator.transport import APPLY, MERGE, Refused, Request, Transport, Unanswered

PAGE: Final = 500
# Holds the number of pods of what an autoscaler looks after.
REPLICAS_MANAGER: Final = f"{FIELD_MANAGER}-autoscaled"


class Cluster:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def apply(self, thing: Object) -> dict[str, Any]:
        """Make the fields of `thing` what they are here, and take away those we set before and set no more."""
        access = BY_KIND[Kind.of(thing)]
        path = _path(access, thing["metadata"]["namespace"], thing["metadata"]["name"])
        answer = await self._apply(access, path, thing)
        if not differences(thing, answer) or (fields := taken_over(answer)) is None:
            return answer
        # Somebody added to a list of ours. The version: whoever writes in between is not to be overruled blindly.
        meta = {"managedFields": fields, "resourceVersion": answer["metadata"]["resourceVersion"]}
        await self._send("PATCH", access, path, body={"metadata": meta}, content_type=MERGE)
        return await self._apply(access, path, thing)

    async def hand_over_replicas(self, deployment: Object, count: int) -> None:
        """Let it have that many pods, whose number is an autoscaler's from now on.

        A field that its only owner no longer sets goes back to its default: one pod, in the middle of a sale.
        """
        access, meta = BY_KIND[Kind.of(deployment)], deployment["metadata"]
        names = {"namespace": meta["namespace"], "name": meta["name"]}
        body: dict[str, Any] = {"apiVersion": access.kind.api_version, "kind": access.kind.kind, "metadata": names}
        body["spec"] = {"replicas": count}
        query = {"fieldManager": REPLICAS_MANAGER, "force": "true"}
        path = _path(access, meta["namespace"], meta["name"])
        await self._send("PATCH", access, path, query=query, body=body, content_type=APPLY)

    async def apply_status(self, key: PlatformKey, status: Mapping[str, Any]) -> dict[str, Any]:
        body = {
            "apiVersion": PLATFORM.kind.api_version,
            "kind": PLATFORM.kind.kind,
            "metadata": {"namespace": key.namespace, "name": key.name},
            "status": status,
        }
        return await self._apply(PLATFORM, f"{_path(PLATFORM, key.namespace, key.name)}/status", body)

    async def _apply(self, access: Access, path: str, body: Object) -> dict[str, Any]:
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._send("PATCH", access, path, query=query, body=body, content_type=APPLY)

    async def create(self, thing: Object) -> dict[str, Any] | None:
        """Make it, unless there is one of that name: then it stays as it is, and the answer is None."""
        access = BY_KIND[Kind.of(thing)]
        path = _path(access, thing["metadata"]["namespace"])
        try:
            return await self._send("POST", access, path, query={"fieldManager": FIELD_MANAGER}, body=thing)
        except Refused as refusal:
            if refusal.exists_already:
                return None
            raise

    async def amend(self, ref: Ref, namespace: str, changes: Object) -> dict[str, Any]:
        """Change parts of what was read a moment ago: `changes` name its `resourceVersion`, null takes a field away.

        Raises Unanswered when somebody else wrote in between.
        """
        access = BY_KIND[ref.kind]
        return await self._send("PATCH", access, _path(access, namespace, ref.name), body=changes, content_type=MERGE)

    async def delete(self, ref: Ref, namespace: str, *, uid: str) -> None:
        """Take away that very object, and in the background what it owns. One that is gone is fine, and so is a
        successor of the same name: it stays."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        access = BY_KIND[ref.kind]
        try:
            await self._send("DELETE", access, _path(access, namespace, ref.name), body=options)
        except Unanswered as fault:
            if not fault.contended:
                raise
        except Refused as refusal:
            if not refusal.is_missing:
                raise

    async def knows(self, access: Access) -> bool:
        """Whether a kind is defined. Everybody may ask that."""
        try:
            answer = await self._send("GET", access, access.root)
        except Refused as refusal:
            if refusal.is_missing:
                return False
            raise
        return any(kind["name"] == access.plural for kind in answer.get("resources", ()))

    async def find_secret(self, namespace: str, name: str) -> dict[str, Any] | None:
        try:
            return await self._send("GET", SECRETS, _path(SECRETS, namespace, name))
        except Refused as refusal:
            if refusal.is_missing:
                return None
            raise

    async def pods(self, namespace: str, *, selector: str) -> list[dict[str, Any]]:
        """Not all of a large crowd: enough to see what is wrong with it."""
        query = {"labelSelector": selector, "limit": "50"}
        listed = await self._send("GET", PODS, _path(PODS, namespace), query=query)
        return list(listed.get("items", ()))

    async def list_managed(self, access: Access, namespace: str | None) -> list[dict[str, Any]]:
        """All objects of a kind that are the operator's, or all platforms; none where the kind is not known."""
        query = {"limit": str(PAGE)} | ({} if access is PLATFORM else {"labelSelector": MANAGED})
        items: list[dict[str, Any]] = []
        while True:
            try:
                page = await self._send("GET", access, _path(access, namespace), query=query)
            except Refused as refusal:
                if refusal.is_missing:
                    return []
                raise
            # Lists name the kind once, for all of their items.
            head = {"apiVersion": access.kind.api_version, "kind": access.kind.kind}
            items.extend(head | item for item in page.get("items", ()))
            if not (more := page.get("metadata", {}).get("continue")):
                return items
            query |= {"continue": more}

    async def post_event(self, event: Object) -> None:
        await self._send("POST", EVENTS, _path(EVENTS, event["metadata"]["namespace"]), body=event)

    async def _send(
        self,
        method: str,
        access: Access,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        return await self._transport.send(
            Request(
                method=method,
                path=path,
                query=query or {},
                body=body,
                content_type=content_type,
                kind=access.kind.kind,
            )
        )


def _path(access: Access, namespace: str | None, name: str = "") -> str:
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{access.root}{scope}/{access.plural}" + (f"/{name}" if name else "")


async def list_all(cluster: Cluster, access: Access, namespaces: tuple[str, ...]) -> list[dict[str, Any]]:
    """Of the namespaces named, or of all when none is."""
    scopes: tuple[str | None, ...] = namespaces or (None,)
    pages = await asyncio.gather(*(cluster.list_managed(access, scope) for scope in scopes))
    return [item for page in pages for item in page]
