"""Whether an object of the cluster has become what it was asked to be: pure, from the object alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ticketing_operator.names import Object


@dataclass(frozen=True, slots=True)
class State:
    """`failed` means that waiting does not help."""

    ready: bool
    message: str = ""
    failed: bool = False


READY: Final = State(ready=True)


def state_of(live: Object | None, *, rendered: Object) -> State:
    """Of one object; kinds that have nothing to become are ready as soon as they are there."""
    if live is None:
        return State(ready=False, message="not there yet")
    look = _LOOKS.get(rendered["kind"])
    return look(live) if look else READY


def _deployment(live: Object) -> State:
    status, wanted = _status(live), replicas(live)
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        return State(ready=False, message="not looked at yet")
    progressing = _condition(status, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return State(ready=False, message="did not get ready in time", failed=True)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted or status.get("replicas", 0) > updated:
        return State(ready=False, message=f"{updated} of {wanted} pods are of the new version")
    if available < wanted:
        return State(ready=False, message=f"{available} of {wanted} pods are ready")
    return READY


def _stateful_set(live: Object) -> State:
    status, wanted = _status(live), replicas(live)
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        return State(ready=False, message="not looked at yet")
    if (ready := status.get("readyReplicas", 0)) < wanted:
        return State(ready=False, message=f"{ready} of {wanted} pods are ready")
    if status.get("updateRevision") != status.get("currentRevision") and status.get("updatedReplicas", 0) < wanted:
        return State(ready=False, message="is being replaced")
    return READY


def _job(live: Object) -> State:
    status = _status(live)
    if _condition(status, "Complete").get("status") == "True":
        return READY
    failed = _condition(status, "Failed")
    if failed.get("status") == "True":
        return State(ready=False, message=failed.get("message", "failed"), failed=True)
    tries = status.get("failed", 0)
    return State(ready=False, message=f"is running, {tries} tries failed" if tries else "is running")


def _certificate(live: Object) -> State:
    told = _condition(_status(live), "Ready")
    if told.get("status") == "True":
        return READY
    return State(ready=False, message=told.get("message") or "is not issued yet")


_LOOKS: Final[Mapping[str, Callable[[Object], State]]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "Certificate": _certificate,
}


def replicas(live: Object) -> int:
    """How many pods are wanted; what nobody says is one."""
    wanted = live["spec"].get("replicas")
    return 1 if wanted is None else int(wanted)


def _status(live: Object) -> Mapping[str, Any]:
    return live.get("status") or {}


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return next((found for found in status.get("conditions") or () if found["type"] == kind), {})
