"""Names of metrics and labels are the plain ones, which metrics pages take for granted."""

import re

from observe.inventory import declared

PLAIN = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def test_every_metric_and_label_has_a_plain_name() -> None:
    metrics = [metric for of_service in declared().values() for metric in of_service]
    names = {name for metric in metrics for name in (metric.name, *metric.labels)}

    assert len(metrics) > 50
    assert [name for name in sorted(names) if not PLAIN.fullmatch(name)] == []
