"""What the watches have told so far: platforms and everything the operator made for them.

Watches keep it current and cost nothing at rest. A list of everything, at the start and then every few minutes, finds
what a watch may have missed: deletions during a gap are told by no event.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Self

import msgspec

from ticketing_operator.compare import fingerprint
from ticketing_operator.names import KIND, PLATFORM_LABEL, Kind, Object, PlatformKey, Ref

type Live = dict[Ref, Object]


@dataclass(frozen=True, slots=True)
class _Kept:
    """One object, packed: twenty platforms are some 1,600 of them, and as dictionaries they would be 50 MB."""

    uid: str
    version: int
    owners: frozenset[str]
    packed: bytes

    @classmethod
    def of(cls, thing: Object) -> Self:
        meta = thing["metadata"]
        owners = frozenset(owner["uid"] for owner in meta.get("ownerReferences") or ())
        version = str(meta.get("resourceVersion", ""))
        number = int(version) if version.isdigit() else 0
        return cls(meta.get("uid", ""), number, owners, msgspec.json.encode(_without_the_unread(thing)))

    def unpacked(self) -> dict[str, Any]:
        return msgspec.json.decode(self.packed, type=dict[str, Any])


class Children:
    def __init__(self) -> None:
        self._shelves: dict[PlatformKey, dict[Ref, _Kept]] = defaultdict(dict)

    def saw(self, thing: Object, *, deleted: bool = False) -> PlatformKey | None:
        """An event, or the answer to a write. The platform it is about; None when it is nobody's."""
        if (key := _platform_of(thing)) is None:
            return None
        shelf, ref, seen = self._shelves[key], Ref.of(thing), _Kept.of(thing)
        known = shelf.get(ref)
        if deleted:
            # A successor of the same name, heard of before its predecessor's end, stays.
            if known is not None and known.uid == seen.uid:
                del shelf[ref]
        # Versions of one object are numbers that grow: an answer may overtake an event.
        elif known is None or known.uid != seen.uid or seen.version >= known.version:
            shelf[ref] = seen
        if not shelf:
            del self._shelves[key]
        return key

    def listed(self, kind: Kind, items: Iterable[Object], *, known_before: Iterable[tuple[PlatformKey, Ref]]) -> None:
        """All objects of a kind as the API server lists them; of those known before, what is not listed is gone."""
        things = list(items)
        here = {(key, Ref.of(thing)) for thing in things if (key := _platform_of(thing))}
        for key, ref in known_before:
            if ref.kind == kind and (key, ref) not in here:
                self._shelves[key].pop(ref, None)
        for thing in things:
            self.saw(thing)

    def known(self) -> list[tuple[PlatformKey, Ref]]:
        return [(key, ref) for key, shelf in self._shelves.items() for ref in shelf]

    def platforms(self) -> list[PlatformKey]:
        return sorted(key for key, ref in self.known() if ref.kind.kind == KIND)

    def platform(self, key: PlatformKey) -> Object | None:
        kept = next((kept for ref, kept in self._shelves.get(key, {}).items() if ref.kind.kind == KIND), None)
        return kept.unpacked() if kept else None

    def of(self, key: PlatformKey, *, uid: str) -> Live:
        """What that very platform owns; a namesake that is being collected owned other objects."""
        return {ref: kept.unpacked() for ref, kept in self._shelves.get(key, {}).items() if uid in kept.owners}


def _platform_of(thing: Object) -> PlatformKey | None:
    meta = thing["metadata"]
    if thing["kind"] == KIND:
        return PlatformKey.of(thing)
    name = (meta.get("labels") or {}).get(PLATFORM_LABEL)
    return PlatformKey(meta["namespace"], name) if name else None


_UNREAD: Final = ("managedFields", "selfLink")


def _without_the_unread(thing: Object) -> Object:
    """Of a Secret only whether it changed, and its certificates: no other values of it have a place in this memory."""
    meta = {key: value for key, value in thing["metadata"].items() if key not in _UNREAD}
    if thing["kind"] == "Secret":
        head = {"apiVersion": thing["apiVersion"], "kind": "Secret", "metadata": meta}
        values = thing.get("data") or {}
        public = {key: value for key, value in values.items() if key.endswith(".crt")}
        return head | {"digest": fingerprint(values)} | ({"certificates": public} if public else {})
    return {**thing, "metadata": meta}
