"""What the operator calls things in the cluster: its kind, its labels, and how objects are told apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

# An object of the API as JSON has it: a foreign border, hence Any.
type Object = Mapping[str, Any]

GROUP: Final = "ticketing.dev"
VERSION: Final = "v1alpha1"
KIND: Final = "TicketingPlatform"
PLURAL: Final = "ticketingplatforms"
API_VERSION: Final = f"{GROUP}/{VERSION}"

# Owns the fields that the operator sets; `kubectl get --show-managed-fields` names it.
FIELD_MANAGER: Final = "ticketing-operator"

# On everything the operator makes; watches select by it, so that nothing else of the cluster reaches this process.
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "ticketing-operator"
MANAGED: Final = f"{MANAGED_BY}={MANAGER}"
# Which platform of the namespace an object belongs to.
PLATFORM_LABEL: Final = f"{GROUP}/platform"
# Hash of what was rendered: a field that is no longer rendered is noticed, although the rest is as it should be.
RENDERED: Final = f"{GROUP}/rendered"
# Fingerprint of the Secrets that pods read, on the pods, or that a Job put into the database, on the Job.
SECRETS_ANNOTATION: Final = f"{GROUP}/secrets"


@dataclass(frozen=True, slots=True, order=True)
class PlatformKey:
    """A platform: one custom resource."""

    namespace: str
    name: str

    @classmethod
    def of(cls, platform: Object) -> Self:
        return cls(platform["metadata"]["namespace"], platform["metadata"]["name"])

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A kind of object and the version of it that is spoken."""

    api_version: str
    kind: str

    @classmethod
    def of(cls, thing: Object) -> Self:
        return cls(thing["apiVersion"], thing["kind"])

    @property
    def group(self) -> str:
        """Empty for the core group, as in RBAC."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]

    def __str__(self) -> str:
        return self.kind


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object of a namespace."""

    kind: Kind
    name: str

    @classmethod
    def of(cls, thing: Object) -> Self:
        return cls(Kind.of(thing), thing["metadata"]["name"])

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"
