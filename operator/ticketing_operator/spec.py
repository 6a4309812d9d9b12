"""What a person may ask of a platform. These types are the schema of the custom resource too: there is no other."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from services.kit.spiffe import TRUST_DOMAIN
from services.kit.topology import topology

SERVICES: Final = tuple(service.name for service in topology().python_services)
# Not every platform has it.
WEB_APP: Final = "frontend"


def _rules(*rules: tuple[str, str]) -> Meta:
    """Rules across fields, in CEL, that the API server checks before anything is stored."""
    return Meta(
        extra_json_schema={"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}
    )


def _about(text: str, **more: Any) -> Meta:
    return Meta(description=text, **more)


type Port = Annotated[int, Meta(ge=0, le=65535)]
type Count = Annotated[int, Meta(ge=0, le=1000)]
type Size = Annotated[str, Meta(pattern=r"^([1-9][0-9]*(Mi|Gi|Ti))?$", max_length=12)]
type Host = Annotated[str, Meta(max_length=253, pattern=r"^[A-Za-z0-9.:_-]*$")]
type SecretName = Annotated[str, Meta(max_length=253, pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$")]
type Mode = Literal["off", "permissive", "strict"]
type Text = Annotated[str, Meta(max_length=1024)]
type Labels = Annotated[dict[str, Text], Meta(max_length=64)]


_VOLUME: Final = _about("Of the managed volume; can not be changed later. Empty: none, all is lost with the pod.")


class Part(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A part of the specification: unknown names are refused, defaults are those of the charts."""


class Image(Part, frozen=True):
    registry: Annotated[
        str, _about("Where images are: <registry>/ticketing/<service>.", max_length=253, min_length=1)
    ] = "localhost"
    tag: Annotated[str, _about("Empty: as the version says.", max_length=128, pattern=r"^[\w.-]*$")] = ""
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    pull_secrets: Annotated[list[SecretName], _about("Names of Secrets of this namespace.", max_length=16)] = []


class Postgres(Part, frozen=True):
    mode: Annotated[
        Literal["managed", "external"],
        _about("managed: one pod, for development; external: yours, and everything below says where."),
    ] = "managed"
    storage: Annotated[Size, _VOLUME] = "2Gi"
    storage_class: Annotated[str, _about("Empty: the cluster's default.", max_length=253)] = ""
    host: Annotated[Host, _about("With external.")] = ""
    port: Annotated[Port, _about("0: PostgreSQL's own.")] = 0
    database: Annotated[str, _about("Made if it is not there.", pattern=r"^[a-z_][a-z0-9_-]{0,62}$")] = "ticketing"
    sslmode: Literal["disable", "prefer", "require", "verify-full"] = "prefer"
    secret_name: Annotated[
        SecretName,
        _about("With external: a Secret with username and password of a role that may make roles and schemas."),
    ] = ""


class Redis(Part, frozen=True):
    mode: Literal["managed", "external"] = "managed"
    storage: Annotated[Size, _VOLUME] = "1Gi"
    storage_class: Annotated[str, _about("Empty: the cluster's default.", max_length=253)] = ""
    host: Annotated[Host, _about("With external.")] = ""
    port: Annotated[Port, _about("0: Redis' own.")] = 0
    database: Annotated[int, Meta(ge=0, le=15)] = 0
    secret_name: Annotated[SecretName, _about("With external: a Secret with a password; empty: none is needed.")] = ""


class Kafka(Part, frozen=True):
    mode: Literal["managed", "external"] = "managed"
    storage: Annotated[Size, _VOLUME] = "2Gi"
    storage_class: Annotated[str, _about("Empty: the cluster's default.", max_length=253)] = ""
    brokers: Annotated[str, _about("With external: host:port, comma separated.", max_length=2048)] = ""
    partitions: Annotated[int, _about("Of topics that are made; never lowered.", ge=1, le=1000)] = 8
    replication_factor: Annotated[int, _about("Of topics that are made.", ge=1, le=9)] = 1


class Ingress(Part, frozen=True):
    class_name: Annotated[str, Meta(max_length=253)] = ""
    annotations: Labels = {}
    tls_secret_name: Annotated[SecretName, _about("Empty: plain HTTP.")] = ""


class ParentRef(Part, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=253)]
    namespace: Annotated[str, Meta(max_length=63)] | UnsetType = UNSET
    section_name: Annotated[str, Meta(max_length=253)] | UnsetType = UNSET
    port: Annotated[int, Meta(ge=1, le=65535)] | UnsetType = UNSET


class HttpRoute(Part, frozen=True):
    parent_refs: Annotated[list[ParentRef], _about("Gateways that route to the platform.", min_length=1, max_length=8)]
    annotations: Labels = {}


class Gateway(Part, frozen=True):
    """How the public reaches the platform."""

    replicas: Count = 1
    host: Annotated[Host, _about("Public name, e.g. tickets.example.com; needed by ingress and httpRoute.")] = ""
    url: Annotated[str, _about("Public address, when it is not https://<host>.", max_length=2048)] = ""
    ingress: Ingress | UnsetType = UNSET
    http_route: HttpRoute | UnsetType = UNSET


class SocketScaling(Part, frozen=True):
    mode: Annotated[
        Literal["none", "cpu", "hpa", "keda"],
        _about("cpu: by CPU; hpa: by sockets, through the custom metrics API; keda: by sockets, through KEDA."),
    ] = "none"
    min_replicas: Annotated[int, Meta(ge=1, le=1000)] = 1
    max_replicas: Annotated[int, Meta(ge=1, le=1000)] = 5
    connections_per_pod: Annotated[int, Meta(ge=1, le=1_000_000)] = 5000
    target_cpu_utilization: Annotated[int, _about("Per cent of the request.", ge=1, le=1000)] = field(
        default=70, name="targetCPUUtilization"
    )
    prometheus: Annotated[str, _about("keda: address of a Prometheus; empty: KEDA asks the pods.", max_length=2048)] = (
        ""
    )


class CpuScaling(Part, frozen=True):
    mode: Literal["none", "cpu"] = "none"
    min_replicas: Annotated[int, Meta(ge=1, le=1000)] = 1
    max_replicas: Annotated[int, Meta(ge=1, le=1000)] = 5
    target_cpu_utilization: Annotated[int, _about("Per cent of the request.", ge=1, le=1000)] = field(
        default=70, name="targetCPUUtilization"
    )


_MIN_MAX: Final = _rules(
    ("self.minReplicas <= self.maxReplicas", "minReplicas must not be greater than maxReplicas"),
)


class Realtime(Part, frozen=True):
    autoscaling: Annotated[SocketScaling, _MIN_MAX] = field(default_factory=SocketScaling)


type Quantities = Annotated[dict[Literal["cpu", "memory"], Annotated[str, Meta(max_length=32)]], Meta(max_length=2)]


class Resources(Part, frozen=True):
    requests: Quantities | UnsetType = UNSET
    limits: Quantities | UnsetType = UNSET


class Toleration(Part, frozen=True):
    key: Annotated[str, Meta(max_length=317)] | UnsetType = UNSET
    operator: Literal["Exists", "Equal"] | UnsetType = UNSET
    value: Annotated[str, Meta(max_length=63)] | UnsetType = UNSET
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | UnsetType = UNSET
    toleration_seconds: int | UnsetType = UNSET


class Service(Part, frozen=True):
    """What is said for one service alone; what is left out is the chart's default."""

    replicas: Count | UnsetType = UNSET
    resources: Resources | UnsetType = UNSET
    env: Annotated[
        dict[str, Text], _about("Any setting of the service; no secrets, they would be readable.", max_length=64)
    ] = {}
    node_selector: Labels = {}
    tolerations: Annotated[list[Toleration], Meta(max_length=32)] = []
    autoscaling: Annotated[CpuScaling, _MIN_MAX] | UnsetType = UNSET


class WebApp(Part, frozen=True):
    """The pages in a browser: the eleventh service, and `/` of the public address is its."""

    enabled: bool = False
    replicas: Count = 1
    publishable_key: Annotated[str, _about("Stripe's key for browsers, which the pages show.", max_length=256)] = ""
    resources: Resources | UnsetType = UNSET


class Payments(Part, frozen=True):
    provider: Annotated[Literal["stripe", "sandbox"], _about("sandbox moves no money, and says so in every log.")] = (
        "sandbox"
    )
    secret_name: Annotated[SecretName, _about("With stripe: a Secret with secret-key and webhook-secret.")] = ""


class Mail(Part, frozen=True):
    host: Annotated[Host, _about("SMTP server; empty: mails wait.")] = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 25
    tls: Literal["none", "starttls", "tls"] = "none"
    secret_name: Annotated[SecretName, _about("A Secret with username and password; empty: no login.")] = ""
    sender: Annotated[str, Meta(max_length=320)] = field(default="", name="from")


class IssuerRef(Part, frozen=True):
    name: SecretName = ""
    kind: Literal["Issuer", "ClusterIssuer"] = "Issuer"


class Mesh(Part, frozen=True):
    """How services speak with one another."""

    mtls: Annotated[
        Mode,
        _about(
            "off: in the clear; permissive: encrypted where both sides can; strict: encrypted, and nobody without an"
            " identity gets an answer. Quote off: YAML takes it for false."
        ),
    ] = "off"
    trust_domain: Annotated[
        str,
        _about(
            "Of identities: spiffe://<trustDomain>/ns/<namespace>/sa/<service>.",
            pattern=r"^[a-z0-9._-]+$",
            max_length=255,
        ),
    ] = TRUST_DOMAIN
    certificate_days: Annotated[
        int, _about("Life of a certificate; it is renewed when a third is left.", ge=24, le=397)
    ] = 30
    issuer: Annotated[
        Literal["operator", "cert-manager"],
        _about("operator: an authority of the platform's own, in a Secret; cert-manager: the one of issuerRef."),
    ] = "operator"
    issuer_ref: Annotated[IssuerRef, _about("With cert-manager: who signs.")] = field(default_factory=IssuerRef)


class Traces(Part, frozen=True):
    endpoint: Annotated[
        str,
        _about(
            "A collector that speaks OTLP over gRPC, e.g. http://collector.observability:4317; empty: there are none.",
            pattern=r"^(https?://[A-Za-z0-9.-]+:[0-9]{1,5})?$",
            max_length=255,
        ),
    ] = ""
    percent: Annotated[
        int, _about("Of requests whose trace is kept; of the others, what failed or was slow.", ge=0, le=100)
    ] = 10


class Monitoring(Part, frozen=True):
    service_monitors: Annotated[bool, _about("For the Prometheus operator.")] = False
    labels: Annotated[
        Labels, _about("Added to ServiceMonitors and PrometheusRules, so that a Prometheus selects them.")
    ] = {}
    interval: Annotated[str, Meta(pattern=r"^[1-9][0-9]*(ms|s|m)$", max_length=12)] = "15s"
    dashboards: Annotated[bool, _about("ConfigMaps that Grafana's sidecar finds by their labels.")] = False
    dashboard_labels: Annotated[Labels, Meta(min_length=1)] = field(default_factory=lambda: {"grafana_dashboard": "1"})
    alerts: Annotated[bool, _about("PrometheusRules, for the Prometheus operator.")] = False
    traces: Traces = field(default_factory=Traces)


class NetworkPolicies(Part, frozen=True):
    enabled: Annotated[bool, _about("Default deny, and what the table of services allows.")] = True


_EXTERNAL: Final = "self.mode != 'external' || "
_FIXED_STORAGE: Final = (
    "self.storage == oldSelf.storage",
    "storage can not be changed: back up, delete the StatefulSet and its claim, and restore",
)
_NAMES: Final = ", ".join(f"'{name}'" for name in SERVICES)


class Spec(Part, frozen=True):
    version: Annotated[
        str, _about("Version of the platform; the images' tag unless image.tag says otherwise.", pattern=r"^[\w.-]+$",
                    max_length=63)
    ]  # fmt: skip
    image: Image = field(default_factory=Image)
    paused: Annotated[bool, _about("The operator looks, and changes nothing.")] = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    postgres: Annotated[
        Postgres,
        _rules(
            (_EXTERNAL + "self.host != ''", "postgres.host is needed when mode is external"),
            (_EXTERNAL + "self.secretName != ''", "postgres.secretName is needed when mode is external"),
            _FIXED_STORAGE,
        ),
    ] = field(default_factory=Postgres)
    redis: Annotated[
        Redis, _rules((_EXTERNAL + "self.host != ''", "redis.host is needed when mode is external"), _FIXED_STORAGE)
    ] = field(default_factory=Redis)
    kafka: Annotated[
        Kafka,
        _rules((_EXTERNAL + "self.brokers != ''", "kafka.brokers is needed when mode is external"), _FIXED_STORAGE),
    ] = field(default_factory=Kafka)
    gateway: Annotated[
        Gateway,
        _rules(
            ("!(has(self.ingress) && has(self.httpRoute))", "one of gateway.ingress and gateway.httpRoute, not both"),
            (
                "self.host != '' || !(has(self.ingress) || has(self.httpRoute))",
                "gateway.host is needed with ingress or httpRoute",
            ),
        ),
    ] = field(default_factory=Gateway)
    realtime: Realtime = field(default_factory=Realtime)
    services: Annotated[
        dict[str, Service],
        Meta(max_length=len(SERVICES), description="By name of the service, as in the table of services."),
        _rules(
            (f"self.all(name, name in [{_NAMES}])", f"services: the names are {', '.join(SERVICES)}"),
            ("!('gateway' in self && has(self.gateway.replicas))", "services.gateway.replicas: say gateway.replicas"),
            (
                "!('realtime' in self && has(self.realtime.autoscaling))",
                "services.realtime.autoscaling: say realtime.autoscaling",
            ),
        ),
    ] = {}
    web_app: WebApp = field(default_factory=WebApp)
    payments: Annotated[
        Payments,
        _rules(
            (
                "self.provider != 'stripe' || self.secretName != ''",
                "payments.secretName is needed when provider is stripe",
            )
        ),
    ] = field(default_factory=Payments)
    mail: Mail = field(default_factory=Mail)
    mesh: Annotated[
        Mesh,
        _rules(
            (
                "self.issuer != 'cert-manager' || self.issuerRef.name != ''",
                "mesh.issuerRef.name is needed when issuer is cert-manager",
            ),
            (
                "self.issuer == oldSelf.issuer || (self.mtls != 'strict' && oldSelf.mtls != 'strict')",
                "mesh.issuer can be changed while mtls is off or permissive, for pods of two issuers do not trust each"
                " other",
            ),
            (
                "self.trustDomain == oldSelf.trustDomain || (self.mtls == 'off' && oldSelf.mtls == 'off')",
                "mesh.trustDomain can be changed while mtls is off",
            ),
        ),
    ] = field(default_factory=Mesh)
    monitoring: Monitoring = field(default_factory=Monitoring)
    network_policies: NetworkPolicies = field(default_factory=NetworkPolicies)

    @property
    def image_tag(self) -> str:
        return self.image.tag or self.version

    @property
    def asked_for(self) -> tuple[str, ...]:
        """Names of the services that this platform is to have."""
        return (*SERVICES, WEB_APP) if self.web_app.enabled else SERVICES


class WrongSpec(Exception):
    """The specification can not be carried out as it is; trying again does not help."""

    def __init__(self, field_path: str, reason: str) -> None:
        super().__init__(f"{field_path}: {reason}")
        self.field = field_path


def read_spec(spec: object) -> Spec:
    """The specification as values. Refuses what the schema refuses, also where no API server has looked at it."""
    try:
        return msgspec.convert(spec, Spec)
    except msgspec.ValidationError as wrong:
        reason, _, path = str(wrong).partition(" - at `$")
        raise WrongSpec(f"spec{path.rstrip('`')}", reason) from None
