"""kopf wakes, nothing more: no state in annotations, no finalizers, no timers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import kopf

from ticketing_operator.children import Children
from ticketing_operator.kinds import OWNED, PLATFORM, SECRETS, Access
from ticketing_operator.names import KIND, MANAGED, PlatformKey
from ticketing_operator.resync import Resync
from ticketing_operator.settings import OperatorSettings
from ticketing_operator.wakeups import Wakeups

WATCHED: Final[Sequence[Access]] = (PLATFORM, *OWNED, SECRETS)
REQUEST_TIMEOUT_S: Final = 30.0
# A watch is asked for anew this often, so that one that died silently is not trusted for longer.
WATCH_S: Final = 600  # whole: the API server refuses 600.0


@dataclass(frozen=True, slots=True)
class Memo:
    children: Children
    wakeups: Wakeups
    resync: Resync


def registry() -> kopf.OperatorRegistry:
    """The handlers: one for every kind that is watched, and the probe."""
    handlers = kopf.OperatorRegistry()
    for access in WATCHED:
        kopf.on.event(access.kind.group, access.kind.version, access.plural, registry=handlers)(something_happened)
    kopf.on.probe(id="resync", registry=handlers)(alive)
    kopf.on.login(registry=handlers)(log_in)
    return handlers


async def something_happened(
    type: str | None,  # noqa: A002 - kopf's name for it
    body: kopf.Body,
    memo: Memo,
    **_: Any,
) -> None:
    thing = _plain(body)
    before = memo.children.platform(PlatformKey.of(thing)) if thing["kind"] == KIND else None
    key = memo.children.saw(thing, deleted=type == "DELETED")
    if key is not None:
        # What failed before may not fail again once something else is asked for.
        memo.wakeups.wake(key, urgent=thing["kind"] == KIND and _asked(before) != _asked(thing))


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in body.items()}


def _asked(platform: Mapping[str, Any] | None) -> object:
    return platform and (platform["metadata"].get("generation"), platform["metadata"].get("annotations"))


def alive(memo: Memo, **_: Any) -> float:
    """Seconds since everything was last looked at; too many of them fail the probe."""
    if (age := memo.resync.age_s()) > memo.resync.too_old_s:
        raise kopf.PermanentError(f"no resync was finished for {age:.0f} s")
    return age


def log_in(**more: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**more) or kopf.login_with_kubeconfig(**more)


def kopf_settings(settings: OperatorSettings) -> kopf.OperatorSettings:
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.posting.loggers = False
    chosen.networking.request_timeout = REQUEST_TIMEOUT_S
    chosen.watching.server_timeout = WATCH_S
    chosen.watching.client_timeout = WATCH_S + 30
    # Watching definitions is a right over the whole cluster. What is installed later is seen by the relist.
    chosen.scanning.disabled = True
    chosen.peering.standalone = True
    chosen.persistence.finalizer = "ticketing.dev/kopf"
    chosen.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix="kopf.ticketing.dev")
    chosen.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix="kopf.ticketing.dev")
    for access in WATCHED:
        if access is not PLATFORM:
            chosen.watching.label_selectors[access.kind.group, access.kind.version, access.plural] = MANAGED
    return chosen
