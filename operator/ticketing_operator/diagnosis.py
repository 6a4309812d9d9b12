"""Why pods do not get ready, in a sentence a person can act on: pure, from the pods alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ticketing_operator.names import Object

LONGEST: Final = 300
# Kubernetes goes on trying, and nothing changes before a person does something.
_HOPELESS: Final = {
    "ErrImagePull": "image {image} can not be pulled",
    "ImagePullBackOff": "image {image} can not be pulled",
    "ErrImageNeverPull": "image {image} is not on the node, and pullPolicy is Never",
    "InvalidImageName": "{image} is no name of an image",
    "CreateContainerConfigError": "the container can not be configured",
}


@dataclass(frozen=True, slots=True)
class Finding:
    service: str
    message: str
    # Waiting does not help.
    hopeless: bool


def findings(pods: Iterable[Object]) -> list[Finding]:
    """One for each service that has something to tell, the hopeless first."""
    found: dict[str, Finding] = {}
    for pod in pods:
        for finding in _of_pod(pod):
            known = found.get(finding.service)
            if known is None or (finding.hopeless and not known.hopeless):
                found[finding.service] = finding
    return sorted(found.values(), key=lambda finding: (not finding.hopeless, finding.service))


def _of_pod(pod: Object) -> Iterator[Finding]:
    service = str((pod["metadata"].get("labels") or {}).get("app.kubernetes.io/name", ""))
    status = pod.get("status") or {}
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        if (told := _of_container(container)) is not None:
            message, hopeless = told
            yield Finding(service, message[:LONGEST], hopeless)
    for condition in status.get("conditions", ()):
        if condition.get("reason") == "Unschedulable":
            yield Finding(service, f"no node has room: {condition.get('message', '')}"[:LONGEST], False)


def _of_container(container: Mapping[str, Any]) -> tuple[str, bool] | None:
    state, last = container.get("state") or {}, container.get("lastState") or {}
    waiting = state.get("waiting") or {}
    if template := _HOPELESS.get(waiting.get("reason", "")):
        return _with_detail(template.format(image=container.get("image", "")), waiting.get("message", "")), True
    ended = state.get("terminated") or last.get("terminated") or {}
    if ended.get("exitCode", 0) != 0:
        last_words = ended.get("message") or ended.get("reason", "")
        told = f"{container['name']} ended with {ended['exitCode']}"
        return _with_detail(told, _last_line(last_words)), False
    return None


def _with_detail(sentence: str, detail: str) -> str:
    return f"{sentence}: {detail}" if detail else sentence


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
