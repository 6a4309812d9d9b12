"""The CustomResourceDefinition, made from the types of `spec.py` and `status.py`: there is no other schema."""

import sys
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from ticketing_operator.names import GROUP, KIND, PLURAL, VERSION
from ticketing_operator.spec import Part, Spec
from ticketing_operator.status import Status

# Helm, which renders the manifests, takes no longer names for a release.
LONGEST_NAME: Final = 53
_COLUMNS: Final = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason'),
    ("Version", "string", ".status.version"),
    ("Services", "string", ".status.servicesReady"),
    ("Realtime", "string", ".status.realtimeReady"),
    ("Age", "date", ".metadata.creationTimestamp"),
)


def definition() -> dict[str, Any]:
    """The whole object, as `kubectl apply` takes it."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": KIND, "plural": PLURAL, "singular": KIND.lower(), "shortNames": ["tp"]},
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": name, "type": kind, "jsonPath": path} for name, kind, path in _COLUMNS],
        "schema": {
            "openAPIV3Schema": {
                "description": "A ticketing platform: data stores or where they are, ten services, and their address.",
                "type": "object",
                "required": ["spec"],
                "x-kubernetes-validations": [
                    {
                        "rule": f"self.metadata.name.size() <= {LONGEST_NAME}",
                        "message": f"metadata.name: at most {LONGEST_NAME} characters",
                    }
                ],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "spec": structural(Spec),
                    "status": without_defaults(structural(Status)),
                },
            }
        },
    }


def structural(root: type[Struct]) -> dict[str, Any]:
    """A type's schema as Kubernetes takes it: no references, a type everywhere, defaults on whole parts."""
    _, parts = msgspec.json.schema_components([root])
    for part in _parts(root):
        for field in msgspec.structs.fields(part):
            if isinstance(field.default_factory, type) and issubclass(field.default_factory, Part):
                parts[part.__name__]["properties"][field.encode_name]["default"] = _whole(field)
    return _inlined(parts[root.__name__], parts)


def _whole(field: FieldInfo) -> Any:
    """All of a part's defaults: rules look at them before those of its fields would be filled in."""
    return msgspec.to_builtins(field.default_factory())


def without_defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """A status is reported, not asked for: nothing is filled in for what was not said."""
    kept = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in kept:
        kept["properties"] = {name: without_defaults(inner) for name, inner in kept["properties"].items()}
    return kept


def _parts(root: type[Struct]) -> Iterator[type[Struct]]:
    seen: list[type[Struct]] = [root]
    for part in seen:
        yield part
        for field in msgspec.structs.fields(part):
            seen.extend(found for found in _structs_in(field.type) if found not in seen)


def _structs_in(annotation: Any) -> Iterator[type[Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        yield annotation
    for inner in (*getattr(annotation, "__args__", ()), getattr(annotation, "__origin__", None)):
        if inner is not None:
            yield from _structs_in(inner)
    if hasattr(annotation, "__value__"):
        yield from _structs_in(annotation.__value__)


def _inlined(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        target = parts[schema["$ref"].removeprefix("#/$defs/")]
        schema = target | {key: value for key, value in schema.items() if key != "$ref"}
    clean = {key: value for key, value in schema.items() if key not in {"title", "propertyNames"} and value != []}
    if "default" in schema:
        clean["default"] = schema["default"]
    if "enum" in clean:
        clean["type"] = "string"
    if clean.get("additionalProperties") is False:
        del clean["additionalProperties"]
    for key in ("items", "additionalProperties"):
        if key in clean:
            clean[key] = _inlined(clean[key], parts)
    if "properties" in clean:
        clean["properties"] = {name: _inlined(inner, parts) for name, inner in clean["properties"].items()}
    return clean


def write() -> None:
    """Print the definition as YAML."""
    import yaml

    header = "# Made by `python -m ticketing_operator crd`; a test keeps it so.\n"
    sys.stdout.write(header + yaml.safe_dump(definition(), sort_keys=False, allow_unicode=True, width=110))
