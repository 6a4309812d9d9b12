"""Events of the cluster: for a turn of a condition, and for what was done with certificates."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ticketing_operator.names import API_VERSION, FIELD_MANAGER, KIND, Object
from ticketing_operator.status import Condition

LONGEST_NOTE = 1000


def event_of_turn(turned: Condition, meta: Mapping[str, Any], now: datetime) -> Object:
    normal = turned.status == "True" or turned.reason in _ON_ITS_WAY
    return event_of(turned.reason, turned.message, meta, now, normal=normal)


def event_of(reason: str, note: str, meta: Mapping[str, Any], now: datetime, *, normal: bool = True) -> Object:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name']}.{uuid.uuid4().hex[:16]}", "namespace": meta["namespace"]},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": "Normal" if normal else "Warning",
        "reason": reason,
        "note": note[:LONGEST_NOTE] or reason,
        "action": "Reconcile",
        "reportingController": f"{FIELD_MANAGER}.ticketing.dev",
        "reportingInstance": FIELD_MANAGER,
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
        },
    }


_ON_ITS_WAY = frozenset({"DataStores", "Migrating", "RollingOut", "Routes", "Paused", "ModeChanging"})
