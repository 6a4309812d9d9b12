"""What the operator adds to a rendered object: whose it is, and what it was rendered as."""

from collections.abc import Iterable
from typing import Any

from ticketing_operator.compare import fingerprint
from ticketing_operator.names import API_VERSION, KIND, MANAGED_BY, MANAGER, PLATFORM_LABEL, RENDERED, Object


def owned(things: Iterable[Object], platform: Object) -> list[Object]:
    """The objects as that platform's: the garbage collector takes them away with it."""
    return [_owned(thing, platform) for thing in things]


def _owned(thing: Object, platform: Object) -> Object:
    meta, owner = thing["metadata"], platform["metadata"]
    marks = {MANAGED_BY: MANAGER, PLATFORM_LABEL: owner["name"]}
    ours: dict[str, Any] = {
        **meta,
        "namespace": owner["namespace"],
        "labels": {**(meta.get("labels") or {}), **marks},
        "ownerReferences": [
            # Not blocking: that would need the right to change platforms' finalizers, and nothing here waits for it.
            {"apiVersion": API_VERSION, "kind": KIND, "name": owner["name"], "uid": owner["uid"], "controller": True}
        ],
    }
    whole = {**thing, "metadata": ours}
    if thing["kind"] != "Secret":
        ours["annotations"] = {**(meta.get("annotations") or {}), RENDERED: fingerprint(whole)}
    return whole


def rendered_as(thing: Object) -> str:
    """The fingerprint it was applied with; empty for what somebody else made."""
    return str((thing["metadata"].get("annotations") or {}).get(RENDERED, ""))
