"""What an edit would change, for a person to read before it is applied: pure, from two renderings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ticketing_operator.compare import MERGED_BY
from ticketing_operator.names import RENDERED, Object, Ref
from ticketing_operator.plan import waves

# Follow from the rest, and would be noise.
_NOISE: Final = frozenset(
    f"{place}.{name}"
    for place in ("metadata.annotations", "metadata.labels", "spec.template.metadata.labels")
    for name in (RENDERED, "app.kubernetes.io/version", "helm.sh/chart")
)
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    ref: Ref
    kind: Literal["create", "change", "delete"]
    # Path, before, after: as a person would say them.
    fields: tuple[tuple[str, str, str], ...] = ()


def changes(before: Iterable[Object], after: Iterable[Object]) -> list[Change]:
    old, new = ({Ref.of(thing): thing for thing in things} for things in (before, after))
    made = [Change(ref, "create") for ref in sorted(new.keys() - old.keys())]
    gone = [Change(ref, "delete") for ref in sorted(old.keys() - new.keys())]
    kept = [Change(ref, "change", tuple(_fields(old[ref], new[ref]))) for ref in sorted(new.keys() & old.keys())]
    return made + [change for change in kept if change.fields] + gone


def as_text(found: Sequence[Change], after: Sequence[Object]) -> str:
    """In the order in which it would happen; what is taken away comes last."""
    if not found:
        return "nothing would change\n"
    by_ref = {change.ref: change for change in found}
    lines: list[str] = []
    for wave in waves(after):
        told = [by_ref[ref] for thing in wave.objects if (ref := Ref.of(thing)) in by_ref]
        if told:
            lines += [f"{wave.name}:", *(line for change in told for line in _lines(change))]
    if gone := [change for change in found if change.kind == "delete"]:
        lines += ["when all of that is ready:", *(line for change in gone for line in _lines(change))]
    counts = {kind: sum(change.kind == kind for change in found) for kind in ("create", "change", "delete")}
    lines.append(", ".join(f"{count} to {kind}" for kind, count in counts.items() if count))
    return "\n".join(lines) + "\n"


def _lines(change: Change) -> Iterator[str]:
    sign = {"create": "+", "change": "~", "delete": "-"}[change.kind]
    yield f"  {sign} {change.ref}"
    for path, before, after in change.fields:
        yield f"      {path}: {before} → {after}"


def _fields(old: Any, new: Any, path: str = "", field: str = "") -> Iterator[tuple[str, str, str]]:
    if old == new or path.removeprefix(".") in _NOISE:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _fields(old.get(key, _NOTHING), new.get(key, _NOTHING), f"{path}.{key}", key)
    elif isinstance(old, list) and isinstance(new, list) and (key := _key(field, old + new)):
        ours, theirs = ({str(item[key]): item for item in items} for items in (old, new))
        for name in dict.fromkeys((*ours, *theirs)):
            yield from _fields(ours.get(name, _NOTHING), theirs.get(name, _NOTHING), f"{path}[{name}]")
    else:
        yield path.removeprefix("."), _said(old), _said(new)


def _key(field: str, items: Sequence[Any]) -> str | None:
    keys = (key for key, *_ in MERGED_BY.get(field, ()))
    return next((key for key in keys if all(isinstance(item, Mapping) and key in item for item in items)), None)


def _said(value: Any) -> str:
    if value is _NOTHING:
        return "(nothing)"
    return repr(value) if isinstance(value, str) else str(value)
