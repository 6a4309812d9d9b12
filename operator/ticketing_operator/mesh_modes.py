"""From calls in the clear to encrypted ones and back without losing one: pure, from the Deployments as they are.

Between off and strict lies permissive, in which a pod speaks both ways. A pod that is strict does not understand one
that is off; so all pods have to be permissive, and the last of another mode gone, before one takes the next step.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from services.kit.topology import SUPPORT, topology
from ticketing_operator.children import Live
from ticketing_operator.names import Object
from ticketing_operator.plan import DEPLOYMENT
from ticketing_operator.spec import Mode

# Those that speak with peers at all.
SPEAKERS: Final = tuple(
    service.name for service in topology().python_services if service.calls or "mesh" in service.ports
)
# Who gets an identity from the platform's own authority: those, and the tools of whoever looks after the platform.
IDENTITIES: Final = (*SPEAKERS, SUPPORT)
_OPPOSITE: Final[Mapping[Mode, Mode]] = {"off": "strict", "strict": "off"}


def mode_now(wanted: Mode, live: Live) -> Mode:
    """The mode that pods are to have now, on the way to the wanted one."""
    speakers = [thing for ref, thing in live.items() if ref.kind == DEPLOYMENT and ref.name in SPEAKERS]
    if wanted == "permissive":
        return wanted
    modes = set(map(mode_of, speakers))
    if _OPPOSITE[wanted] in modes:
        return "permissive"
    # Where one is there already, all were permissive before, and what changes now is something else.
    return "permissive" if wanted not in modes and any(_leaving(speakers)) else wanted


def mode_of(deployment: Object) -> Mode:
    """What its new pods are told."""
    (container, *_) = deployment["spec"]["template"]["spec"]["containers"]
    told = {variable["name"]: variable.get("value", "") for variable in container.get("env") or ()}
    mode: Mode = told.get("MESH_MTLS", "off")
    return mode


def behind(wanted: Mode, live: Live) -> list[str]:
    """Services that are not told the wanted mode yet."""
    modes = {ref.name: mode_of(thing) for ref, thing in live.items() if ref.kind == DEPLOYMENT}
    absent: Mode | None = "off" if wanted == "off" else None
    return [service for service in SPEAKERS if modes.get(service, absent) != wanted]


def _leaving(deployments: Iterable[Object]) -> Iterable[bool]:
    """Whether pods are left of what a permissive Deployment was before; those that stop still make calls."""
    for deployment in deployments:
        if mode_of(deployment) == "permissive":
            status = deployment.get("status") or {}
            seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
            older = status.get("replicas", 0) > status.get("updatedReplicas", 0)
            yield not seen or older or status.get("terminatingReplicas", 0) > 0
