"""An Event of the cluster for a turn of the Ready condition."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ticketing_operator.names import API_VERSION, FIELD_MANAGER, KIND, Object
from ticketing_operator.status import Condition

LONGEST_NOTE = 1000


def event_of(turned: Condition, meta: Mapping[str, Any], now: datetime) -> Object:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name']}.{uuid.uuid4().hex[:16]}", "namespace": meta["namespace"]},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": "Normal" if turned.status == "True" or turned.reason in _ON_ITS_WAY else "Warning",
        "reason": turned.reason,
        "note": turned.message[:LONGEST_NOTE] or turned.reason,
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


_ON_ITS_WAY = frozenset({"DataStores", "Migrating", "RollingOut", "Routes", "Paused"})
