"""What the schema can not say: specifications that would be stored and never work. Each names its field."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from ticketing_operator.crd import LONGEST_NAME
from ticketing_operator.spec import SERVICES, Spec, WrongSpec

type Fault = tuple[str, str]

_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUANTITY: Final = re.compile(r"(\d+(\.\d+)?)(m|k|Ki|M|Mi|G|Gi|T|Ti)?")
_BROKER: Final = re.compile(r"[A-Za-z0-9.-]+:\d{1,5}")
# Set from elsewhere in the specification; said twice, one of the two would silently lose.
_RESERVED: Final = re.compile(
    r"POSTGRES_(HOST|PORT|DB|USER|PASSWORD|SSLMODE)|REDIS_(HOST|PORT|PASSWORD|DB)|KAFKA_BROKERS|LOG_LEVEL"
    r"|PAYMENT_PROVIDER|STRIPE_(SECRET_KEY|WEBHOOK_SECRET)|AUTH_KEY_SECRET|MAIL_(HOST|PORT|TLS|USERNAME|PASSWORD|FROM)"
    r"|MESH_(MTLS|NAMESPACE|TRUST_DOMAIN|IDENTITY)|[A-Z_]+_SERVICE_URL"
)
_SECRET_LIKE: Final = re.compile(r"(PASSWORD|SECRET|TOKEN|_KEY)$")


def refuse_nonsense(name: str, spec: Spec) -> None:
    """Raise for the first thing that can not work."""
    for look in (_name, _together, _services, _brokers):
        for field, reason in look(name, spec):
            raise WrongSpec(field, reason)


def _name(name: str, _spec: Spec) -> Iterator[Fault]:
    if len(name) > LONGEST_NAME:
        yield "metadata.name", f"at most {LONGEST_NAME} characters, this one has {len(name)}"


def _together(_name: str, spec: Spec) -> Iterator[Fault]:
    """The rules across fields again: a cluster may have an older definition, and `render` asks no API server."""
    rules: list[tuple[bool, str, str]] = [
        (_external_without(spec, "postgres", "host"), "spec.postgres.host", "needed when mode is external"),
        (
            _external_without(spec, "postgres", "secret_name"),
            "spec.postgres.secretName",
            "needed when mode is external",
        ),
        (_external_without(spec, "redis", "host"), "spec.redis.host", "needed when mode is external"),
        (_external_without(spec, "kafka", "brokers"), "spec.kafka.brokers", "needed when mode is external"),
        (
            spec.payments.provider == "stripe" and not spec.payments.secret_name,
            "spec.payments.secretName",
            "needed when provider is stripe",
        ),
        (
            bool(spec.gateway.ingress or spec.gateway.http_route) and not spec.gateway.host,
            "spec.gateway.host",
            "needed with ingress or httpRoute",
        ),
        (
            spec.mesh.issuer == "cert-manager" and not spec.mesh.issuer_ref.name,
            "spec.mesh.issuerRef.name",
            "needed when issuer is cert-manager",
        ),
        (bool(spec.gateway.ingress and spec.gateway.http_route), "spec.gateway", "ingress or httpRoute, not both"),
    ]
    yield from ((field, reason) for wrong, field, reason in rules if wrong)


def _external_without(spec: Spec, store: str, field: str) -> bool:
    return getattr(spec, store).mode == "external" and not getattr(getattr(spec, store), field)


def _services(_name: str, spec: Spec) -> Iterator[Fault]:
    for service, own in spec.services.items():
        at = f"spec.services.{service}"
        if service not in SERVICES:
            yield at, f"there is no such service; the names are {', '.join(SERVICES)}"
        for name in own.env:
            yield from ((f"{at}.env.{name}", reason) for wrong, reason in _env_faults if wrong(name))
        for part, quantities in (msgspec.to_builtins(own.resources) if own.resources else {}).items():
            for resource, quantity in quantities.items():
                if not _QUANTITY.fullmatch(quantity):
                    yield f"{at}.resources.{part}.{resource}", f"{quantity!r} is no quantity; say 500m, 2 or 256Mi"


_env_faults: Final[tuple[tuple[Callable[[str], bool], str], ...]] = (
    (lambda name: not _ENV_NAME.fullmatch(name), "is no name of an environment variable"),
    (lambda name: bool(_RESERVED.fullmatch(name)), "is set from elsewhere in the specification"),
    (lambda name: bool(_SECRET_LIKE.search(name)), "looks like a secret, and everybody could read it here"),
)


def _brokers(_name: str, spec: Spec) -> Iterator[Fault]:
    if spec.kafka.mode == "external":
        for broker in spec.kafka.brokers.split(","):
            if broker and not _BROKER.fullmatch(broker.strip()):
                yield "spec.kafka.brokers", f"{broker.strip()!r} is not host:port"
