"""Who owns which fields of an object: taking over what somebody else added to a list of ours.

Server-side apply takes away only what its own manager set before. An entry that a person added to a list is theirs, and
would stay for ever; once it counts as ours, the next apply takes it away.
"""

from collections.abc import Mapping
from typing import Any

from ticketing_operator.names import FIELD_MANAGER, Object


def taken_over(live: Object) -> list[dict[str, Any]] | None:
    """The object's `managedFields` with everything of its spec as ours; None when it is so already.

    Fields that controllers set through a subresource (status, scale) stay theirs.
    """
    entries: list[dict[str, Any]] = [dict(entry) for entry in live["metadata"].get("managedFields") or ()]
    ours = next((entry for entry in entries if _is_ours(entry)), None)
    others = [
        entry for entry in entries if "f:spec" in _fields(entry) and entry is not ours and not entry.get("subresource")
    ]
    if ours is None or not others:
        return None
    for entry in others:
        ours["fieldsV1"] = _union(_fields(ours), {"f:spec": _fields(entry)["f:spec"]})
        entry["fieldsV1"] = {key: value for key, value in _fields(entry).items() if key != "f:spec"}
    return [entry for entry in entries if _fields(entry)]


def _is_ours(entry: Mapping[str, Any]) -> bool:
    return entry["manager"] == FIELD_MANAGER and entry["operation"] == "Apply" and not entry.get("subresource")


def _sets_the_spec(entry: Mapping[str, Any]) -> bool:
    return "f:spec" in _fields(entry) and not entry.get("subresource")


def _fields(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return entry.get("fieldsV1") or {}


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _union(one.get(key, {}), other.get(key, {})) for key in (*one, *other)}
