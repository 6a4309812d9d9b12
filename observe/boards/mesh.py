"""The mesh: who calls whom, how well, and with which certificate."""

from __future__ import annotations

from typing import Final

from observe.panels import WINDOW, Board, Panel, Query, or_none, quantile, rate

_EDGE: Final = "source, destination"
_BROKEN: Final = '"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED|CANCELLED|RESOURCE_EXHAUSTED"'
# Messages of long streams count as calls do, under a code of their own: else those of an edge that calls too are lost.
_CALLS: Final = (
    f"(rate(rpc_client_handled_total[{WINDOW}])"
    f' or label_replace(rate(rpc_client_messages_total[{WINDOW}]), "code", "STREAM", "", ""))'
)


def _named(expr: str, label: str, source: str) -> str:
    """The same with one more label, for Grafana's node graph knows its columns by their names."""
    return f'label_replace({expr}, "{label}", "$1", "{source}", "(.+)")'


_ENDS: Final = (
    f"sum by (node) ({_named(rate('rpc_client_handled_total', by='destination'), 'node', 'destination')}"
    f" or {_named('0 * ' + rate('rpc_client_handled_total', by='source'), 'node', 'source')})"
)
_NODES: Final = _named(_named(_ENDS, "id", "node"), "title", "node")
_EDGES: Final = _named(
    f'label_join(sum by ({_EDGE}) {_CALLS}, "id", " → ", "source", "destination")', "target", "destination"
)

_GRAPH: Final = (
    Panel(
        title="Graph",
        description="Services, with the calls a second they are asked; arrows, with those from one to the other. One "
        "that is missing has not called for as long as the window is.",
        unit="reqps",
        kind="nodeGraph",
        width=24,
        queries=[Query(_NODES, "nodes"), Query(_EDGES, "edges")],
    ),
)
_CALLED: Final = (
    Panel(
        title="Calls between services",
        description="Calls a second, and messages on long streams, by who calls whom.",
        unit="reqps",
        queries=[
            Query(rate("rpc_client_handled_total", by=_EDGE), "{{source}} → {{destination}}"),
            Query(rate("rpc_client_messages_total", by=_EDGE), "{{source}} ⇉ {{destination}}"),
        ],
    ),
    Panel(
        title="Calls without an answer",
        description="Broken, late or turned away, by who calls whom. Refusals are answers, and not here.",
        unit="reqps",
        queries=[
            Query(
                or_none(rate("rpc_client_handled_total", by=_EDGE, code="=~" + _BROKEN), "source", "destination"),
                "{{source}} → {{destination}}",
            )
        ],
    ),
    Panel(
        title="Time to an answer",
        description="99 % of the calls stay under this, as their callers see it.",
        unit="s",
        queries=[Query(quantile(0.99, "rpc_client_duration_seconds", by=_EDGE), "{{source}} → {{destination}}")],
    ),
)
_TRUST: Final = (
    Panel(
        title="Certificates end in",
        description="The shortest of each service. They are renewed at two thirds of their life: a line that goes on "
        "falling is one that is not. Services that show none are not here.",
        unit="s",
        width=12,
        queries=[Query("min by (job) ((identity_expires_timestamp_seconds > 0) - time())", "{{job}}")],
    ),
    Panel(
        title="Calls denied",
        description="Refused for who called, or for whom: an attack, or a hole in the table. 0 on a good day.",
        unit="reqps",
        width=12,
        queries=[
            Query(
                or_none(rate("rpc_server_denied_total", by="source, method"), "source", "method"),
                "{{source}}: {{method}}",
            )
        ],
    ),
)
_LOAD: Final = (
    Panel(
        title="Circuits",
        description="1 while a caller leaves a peer alone because nothing came back; it tries again within seconds.",
        unit="short",
        queries=[Query("max by (source, destination) (rpc_client_circuit_open)", "{{source}} → {{destination}}")],
    ),
    Panel(
        title="Calls turned away",
        description="Because too many were at work. Health checks never are.",
        unit="reqps",
        queries=[
            Query(or_none(rate("rpc_server_shed_total", by="job, method"), "job", "method"), "{{job}} {{method}}")
        ],
    ),
    Panel(
        title="Streams to booking",
        description="Long streams that workers opened. One when a worker starts; each one more had an end before it, "
        "by booking or by the network.",
        unit="ops",
        queries=[Query(rate("queue_booking_streams_total", by="job"), "{{job}}")],
    ),
)

BOARD: Final = Board(
    uid="ticketing-mesh",
    title="Ticketing / Mesh",
    description="Who calls whom, how well, and as whom?",
    rows=[("Graph", _GRAPH), ("Calls", _CALLED), ("Trust", _TRUST), ("Load", _LOAD)],
)
