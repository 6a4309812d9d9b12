"""Passwords and keys that nobody gave: made once, never overwritten. Whoever wants their own makes the Secret first."""

import base64
import secrets
from collections.abc import Callable, Mapping

from services.kit.topology import topology
from ticketing_operator.names import Object
from ticketing_operator.spec import Spec
from ticketing_operator.values import MANAGED_POSTGRES_SECRET, MANAGED_REDIS_SECRET

# 256 bits, in letters that need no quoting anywhere.
type Random = Callable[[], str]


def random_text() -> str:
    return secrets.token_urlsafe(32)


def needed(spec: Spec) -> tuple[str, ...]:
    """Names of the Secrets that the platform needs and nobody names: the operator makes these."""
    names = [f"{service}-postgres" for service in _with("postgres")]
    if spec.postgres.mode == "managed":
        names.append(MANAGED_POSTGRES_SECRET)
    if spec.redis.mode == "managed":
        names.append(MANAGED_REDIS_SECRET)
    return (*names, "auth")


def made(name: str, spec: Spec, *, random: Random = random_text) -> Object:
    """A new Secret of that name with fresh values."""
    values = _contents(name, spec, random)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "kubernetes.io/basic-auth" if "username" in values else "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def _contents(name: str, spec: Spec, random: Random) -> Mapping[str, str]:
    if name == MANAGED_REDIS_SECRET:
        return {"password": random()}
    if name == "auth":
        mail_domain = spec.gateway.host or "example.com"
        return {"key-secret": random(), "admin-email": f"admin@{mail_domain}", "admin-password": random()}
    user = "postgres" if name == MANAGED_POSTGRES_SECRET else name.removesuffix("-postgres").replace("-", "_")
    return {"username": user, "password": random()}


# What a Secret that a person names must hold.
type Wanted = tuple[str, str, tuple[str, ...]]


def named_by_people(spec: Spec) -> list[Wanted]:
    """Field of the specification, name of the Secret, keys it must have."""
    wanted: list[Wanted] = []
    if spec.postgres.mode == "external":
        wanted.append(("spec.postgres.secretName", spec.postgres.secret_name, ("username", "password")))
    if spec.redis.mode == "external" and spec.redis.secret_name:
        wanted.append(("spec.redis.secretName", spec.redis.secret_name, ("password",)))
    if spec.payments.provider == "stripe":
        wanted.append(("spec.payments.secretName", spec.payments.secret_name, ("secret-key", "webhook-secret")))
    if spec.mail.secret_name:
        wanted.append(("spec.mail.secretName", spec.mail.secret_name, ("username", "password")))
    if spec.gateway.ingress and spec.gateway.ingress.tls_secret_name:
        wanted.append(("spec.gateway.ingress.tlsSecretName", spec.gateway.ingress.tls_secret_name, ("tls.crt",)))
    wanted += [("spec.image.pullSecrets", name, (".dockerconfigjson",)) for name in spec.image.pull_secrets]
    return wanted


def read_by(service: str, spec: Spec) -> tuple[str, ...]:
    """Secrets that were made here and that a service's pods read: they start again when one of these is replaced."""
    names = {
        f"{service}-postgres": service in _with("postgres"),
        MANAGED_REDIS_SECRET: spec.redis.mode == "managed" and service in _with("redis"),
        "auth": service == "auth",
    }
    return tuple(name for name, reads in names.items() if reads)


def _with(store: str) -> tuple[str, ...]:
    return tuple(service.name for service in topology().python_services if store in service.data)
