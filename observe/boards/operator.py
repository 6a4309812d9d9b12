"""The operator: whether platforms are as they should be, and what it does about it."""

from __future__ import annotations

from typing import Final

from observe.panels import Board, Panel, Query, or_none, quantile, rate

_PLATFORMS: Final = (
    Panel(
        title="Platforms ready",
        description="1 while a platform is Ready. At 0 for long, `kubectl describe tp` says what is missing.",
        unit="short",
        width=12,
        queries=[Query("ticketing_operator_platform_ready", "{{namespace}}/{{name}}")],
    ),
    Panel(
        title="Platforms paused",
        description="1 while nobody looks after a platform, because somebody asked for it. Certificates end meanwhile.",
        unit="short",
        width=12,
        queries=[Query("ticketing_operator_platform_paused", "{{namespace}}/{{name}}")],
    ),
)
_WORK: Final = (
    Panel(
        title="Passes by result",
        description="Looks at platforms a second. `failed`: the API server or a store said no; `fault`: a bug of ours.",
        unit="ops",
        queries=[Query(rate("ticketing_operator_reconcile_total", by="result"), "{{result}}")],
    ),
    Panel(
        title="Time of a pass",
        description="95 % stay under this. At rest milliseconds; seconds are charts rendered, or a slow API server.",
        unit="s",
        queries=[Query(quantile(0.95, "ticketing_operator_reconcile_duration_seconds"), "95 %")],
    ),
    Panel(
        title="Since the last resync",
        description="Rises to a minute and falls to 0. A line that goes on rising is an operator that hangs.",
        unit="s",
        queries=[Query("ticketing_operator_resync_age_seconds", "{{instance}}")],
    ),
    Panel(
        title="Put right",
        description="Objects that were not as rendered, a second. All the time: two who disagree are at work.",
        unit="ops",
        width=12,
        queries=[
            Query(or_none(rate("ticketing_operator_drift_corrected_total", by="kind"), "kind"), "{{kind}}"),
        ],
    ),
    Panel(
        title="Requests to the API server",
        description="A second, without watches, by verb and answer. At rest there are none but the Lease's.",
        unit="reqps",
        width=12,
        queries=[Query(rate("ticketing_operator_api_requests_total", by="verb, code"), "{{verb}} {{code}}")],
    ),
)
_CERTIFICATES: Final = (
    Panel(
        title="Issued certificates end in",
        description="Of each platform, the authority's too. Renewed when a third is left; a line that goes on falling "
        "is one that is not.",
        unit="s",
        width=24,
        queries=[Query("ticketing_operator_certificate_expiry_seconds - time()", "{{namespace}} {{name}}")],
    ),
)

BOARD: Final = Board(
    uid="ticketing-operator",
    title="Ticketing / Operator",
    description="Are platforms as they should be, and what is done about it?",
    rows=(("Platforms", _PLATFORMS), ("Work", _WORK), ("Certificates", _CERTIFICATES)),
    of_a_platform=False,
)
