"""In which order a platform comes about: rendered objects in waves, each of which may hold up the next."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from services.kit.topology import topology
from ticketing_operator.names import Kind, Object, Ref
from ticketing_operator.readiness import State, state_of
from ticketing_operator.spec import WEB_APP

DEPLOYMENT: Final = Kind("apps/v1", "Deployment")
_NAME: Final = "app.kubernetes.io/name"
# Seen by the public or by monitoring: last.
_OUTSIDE: Final = frozenset({"Ingress", "HTTPRoute", "ServiceMonitor", "PrometheusRule", "ConfigMap"})
# Over HTTP: the table knows calls by gRPC.
_ASKS: Final[Mapping[str, Sequence[str]]] = {WEB_APP: ("gateway",)}
# Of other projects, and pods can not start without what these make.
MOUNTED: Final = frozenset({"Certificate"})
_SCALERS: Final = frozenset({"HorizontalPodAutoscaler", "ScaledObject", "PodDisruptionBudget"})


@dataclass(frozen=True, slots=True)
class Wave:
    """Objects that are applied together, once the wave before is ready."""

    name: str
    objects: tuple[Object, ...]
    # On an installation nothing older serves, so services need not wait for one another.
    only_upgrades_wait: bool = False

    def unready(self, live: Mapping[Ref, Object]) -> list[tuple[Ref, State]]:
        states = [(Ref.of(thing), state_of(live.get(Ref.of(thing)), rendered=thing)) for thing in self.objects]
        return [(ref, state) for ref, state in states if not state.ready]


def waves(objects: Iterable[Object]) -> list[Wave]:
    """Base and stores, migrations, services from the called to their callers, what the outside sees. None is empty."""
    everything = sorted(objects, key=lambda thing: (thing["kind"], thing["metadata"]["name"]))
    rest, found = everything, []
    steps: list[tuple[str, Callable[[Object], bool], bool]] = [
        ("data stores", lambda thing: not _is_workload(thing) and thing["kind"] not in _OUTSIDE, False),
        ("migrations", lambda thing: thing["kind"] == "Job", False),
        *((f"services {number}", _serves(level), True) for number, level in enumerate(levels(), 1)),
        ("outside", lambda _thing: True, False),
    ]
    for name, belongs, only_upgrades_wait in steps:
        if chosen := tuple(thing for thing in rest if belongs(thing)):
            found.append(Wave(name, chosen, only_upgrades_wait))
        rest = [thing for thing in rest if not belongs(thing)]
    return found


def _is_workload(thing: Object) -> bool:
    return thing["kind"] in {"Deployment", "Job"} or thing["kind"] in _SCALERS


def _serves(level: frozenset[str]) -> Callable[[Object], bool]:
    return lambda thing: _is_workload(thing) and service_of(thing) in level


def service_of(thing: Object) -> str:
    return str((thing["metadata"].get("labels") or {}).get(_NAME, thing["metadata"]["name"]))


@cache
def levels() -> tuple[frozenset[str], ...]:
    """Services from those that call nobody to those that nobody calls, by the table."""
    calls = {service.name: {*service.calls, *_ASKS.get(service.name, ())} for service in topology().services.values()}
    found: list[frozenset[str]] = []
    while calls:
        level = frozenset(name for name, peers in calls.items() if not peers & calls.keys())
        if not level:
            raise ValueError(f"topology.yaml: these call one another in a circle: {', '.join(sorted(calls))}")
        found.append(level)
        calls = {name: peers for name, peers in calls.items() if name not in level}
    return tuple(found)


def no_longer_rendered(objects: Sequence[Object], live: Mapping[Ref, Object]) -> list[Ref]:
    """What belongs to the platform and is not asked for any more, in the order in which it may go."""
    asked = {Ref.of(thing) for thing in objects}
    return sorted(ref for ref in live if ref not in asked)
