"""Whether a live object still is what was rendered.

Fields that the API server or a controller added are not ours and do not count, so that a second pass over an unchanged
platform writes nothing. Entries that were added to a list of ours do: a port, a container or a variable is an edit.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ticketing_operator.names import RENDERED, Object

# Lists that the API server merges by key, by the name of their field. Any other list is a whole.
MERGED_BY: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "containers": (("name",),),
    "initContainers": (("name",),),
    "env": (("name",),),
    "volumes": (("name",),),
    "imagePullSecrets": (("name",),),
    "volumeMounts": (("mountPath",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "ownerReferences": (("uid",),),
}
_DEFAULTS: Final = {"protocol": "TCP"}
_QUANTITY: Final = re.compile(r"([0-9.]+)(m|k|Ki|M|Mi|G|Gi|T|Ti)?")
_UNITS: Final = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T"), 1)},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)},
}


def fingerprint(rendered: Object) -> str:
    """The same for the same rendered object, whenever and wherever it is rendered."""
    return hashlib.sha256(json.dumps(rendered, sort_keys=True).encode()).hexdigest()[:16]


def differences(rendered: Object, live: Object) -> list[str]:
    """Paths at which the live object is not what was rendered, in the words of kubectl; empty: nothing to do."""
    found = list(_compare("", rendered, live, parent=""))
    return [path for path in found if not path.endswith(RENDERED)] or found


def _compare(path: str, ours: Any, theirs: Any, *, parent: str) -> Sequence[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return [
            found
            for key, value in ours.items()
            for found in _compare(f"{path}.{key}", value, theirs.get(key), parent=key)
        ]
    if isinstance(ours, list) and isinstance(theirs, list):
        return _compare_lists(path, ours, theirs, parent=parent)
    return [] if _same(ours, theirs) else [path.removeprefix(".")]


def _compare_lists(path: str, ours: list[Any], theirs: list[Any], *, parent: str) -> Sequence[str]:
    keys = next((keys for keys in MERGED_BY.get(parent, ()) if _all_have(ours, keys[0])), None)
    if keys is None:
        if len(ours) != len(theirs):
            return [path.removeprefix(".")]
        pairs = [(str(index), one, other) for index, (one, other) in enumerate(zip(ours, theirs, strict=True))]
    else:
        by_key = {_identity(item, keys): item for item in theirs if isinstance(item, Mapping)}
        pairs = [(_identity(item, keys)[0], item, by_key.pop(_identity(item, keys), None)) for item in ours]
        pairs += [(identity[0], None, added) for identity, added in by_key.items()]
    return [found for label, one, other in pairs for found in _compare(f"{path}[{label}]", one, other, parent="")]


def _all_have(items: list[Any], key: str) -> bool:
    return all(isinstance(item, Mapping) and key in item for item in items)


def _identity(item: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(item.get(key, _DEFAULTS.get(key))) for key in keys)


def _same(ours: Any, theirs: Any) -> bool:
    if ours == theirs:
        return True
    # The API server leaves out what is empty.
    if theirs is None and ours is not None:
        return ours in ({}, [], "", None)
    return _quantity(ours) is not None and _quantity(ours) == _quantity(theirs)


def _quantity(value: Any) -> Decimal | None:
    """`0.5`, `"500m"` and `"0.5"` are one quantity, and the API server gives back the shortest."""
    if isinstance(value, bool) or not (found := _QUANTITY.fullmatch(str(value))):
        return None
    return Decimal(found[1]) * _UNITS[found[2] or ""] if found[1].count(".") <= 1 and found[1] != "." else None
