"""From the specification to the values of the charts (charts/README.md is the contract)."""

from typing import Any, Final

import msgspec

from ticketing_operator.spec import SERVICES, WEB_APP, Gateway, Kafka, Mesh, Postgres, Redis, Service, Spec, WebApp

# What each managed store is called in its namespace.
MANAGED_POSTGRES_SECRET: Final = "postgres-admin"  # noqa: S105 - a name
MANAGED_REDIS_SECRET: Final = "redis"  # noqa: S105 - a name


def platform_values(spec: Spec) -> dict[str, Any]:
    """Values of charts/platform: what holds for all below `global`, what is one service's own below its name."""
    return {
        "global": {
            "image": _image(spec),
            "logLevel": spec.log_level,
            "public": _public(spec.gateway),
            "webApp": {"enabled": spec.web_app.enabled},
            "stores": {"postgres": _postgres(spec), "redis": _redis(spec), "kafka": _kafka(spec)},
            "payments": {"provider": spec.payments.provider, "secretName": spec.payments.secret_name or "payments"},
            "mail": _mail(spec),
            "mesh": _mesh(spec.mesh),
            "monitoring": msgspec.to_builtins(spec.monitoring),
            "networkPolicies": {"enabled": spec.network_policies.enabled},
        },
        **{name: service_values(spec, name) for name in SERVICES},
        WEB_APP: _web_app(spec.web_app),
    }


def service_values(spec: Spec, name: str) -> dict[str, Any]:
    """One service's own values; what nobody said is left out, so that the chart's defaults hold."""
    values = msgspec.to_builtins(spec.services.get(name, Service()))
    own = {key: value for key, value in values.items() if value not in ({}, [])}
    if name == "gateway":
        own["replicas"] = spec.gateway.replicas
    if name == "realtime":
        own["autoscaling"] = msgspec.to_builtins(spec.realtime.autoscaling)
    return own


def _web_app(asked: WebApp) -> dict[str, Any]:
    own: dict[str, Any] = {"replicas": asked.replicas, "payments": {"publishableKey": asked.publishable_key}}
    return own | ({"resources": msgspec.to_builtins(asked.resources)} if asked.resources else {})


def _image(spec: Spec) -> dict[str, Any]:
    image = spec.image
    return {
        "registry": image.registry,
        "tag": spec.image_tag,
        "pullPolicy": image.pull_policy,
        "pullSecrets": image.pull_secrets,
    }


def _public(gateway: Gateway) -> dict[str, Any]:
    public: dict[str, Any] = {"host": gateway.host, "url": gateway.url}
    if gateway.ingress:
        public["ingress"] = {"enabled": True, **msgspec.to_builtins(gateway.ingress)}
    if gateway.http_route:
        public["httpRoute"] = {"enabled": True, **msgspec.to_builtins(gateway.http_route)}
    return public


def _postgres(spec: Spec) -> dict[str, Any]:
    postgres, external = spec.postgres, spec.postgres.mode == "external"
    where = {"host": postgres.host, "port": postgres.port} if external else {}
    return {
        "database": postgres.database,
        "sslmode": postgres.sslmode,
        "adminSecretName": postgres.secret_name if external else MANAGED_POSTGRES_SECRET,
        **where,
    }


def _redis(spec: Spec) -> dict[str, Any]:
    redis = spec.redis
    if redis.mode == "managed":
        return {"secretName": MANAGED_REDIS_SECRET}
    return {"host": redis.host, "port": redis.port, "database": redis.database, "secretName": redis.secret_name}


def _kafka(spec: Spec) -> dict[str, Any]:
    kafka = spec.kafka
    return {
        "brokers": kafka.brokers if kafka.mode == "external" else "",
        "topics": {"partitions": kafka.partitions, "replicationFactor": kafka.replication_factor},
    }


def _mail(spec: Spec) -> dict[str, Any]:
    mail = msgspec.to_builtins(spec.mail)
    return {key: value for key, value in mail.items() if key != "from" or value}


def _mesh(mesh: Mesh) -> dict[str, Any]:
    ref = {"name": mesh.issuer_ref.name if mesh.issuer == "cert-manager" else "", "kind": mesh.issuer_ref.kind}
    days = mesh.certificate_days
    return {"mtls": mesh.mtls, "trustDomain": mesh.trust_domain, "issuerRef": ref, "certificateDays": days}


def store_values(spec: Spec) -> dict[str, Any] | None:
    """Values of charts/datastores; None when all stores are somebody else's."""
    stores = {name: _store(getattr(spec, name)) for name in ("postgres", "redis", "kafka")}
    if not any(store["enabled"] for store in stores.values()):
        return None
    if stores["postgres"]["enabled"]:
        stores["postgres"]["database"] = spec.postgres.database
    return stores | {
        "image": {"pullPolicy": spec.image.pull_policy, "pullSecrets": spec.image.pull_secrets},
        "networkPolicies": {"enabled": spec.network_policies.enabled},
    }


def _store(store: Postgres | Redis | Kafka) -> dict[str, Any]:
    if store.mode == "external":
        return {"enabled": False}
    return {"enabled": True, "storage": store.storage, "storageClass": store.storage_class}
