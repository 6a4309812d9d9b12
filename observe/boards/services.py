"""Rate, errors and duration of every service, and how full each is."""

from __future__ import annotations

from typing import Final

from observe.panels import WINDOW, Board, Panel, Query, or_none, quantile, rate

_BROKEN: Final = '"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED"'

_NOT_OK: Final = '!="OK"'
_EDGE: Final = "source, destination"

_HEALTH: Final = (
    Panel(
        title="Up",
        description="Processes that Prometheus reaches, by service. A line that falls to 0 is a service that is gone.",
        unit="short",
        queries=[Query("sum by (job) (up)", "{{job}}")],
    ),
    Panel(
        title="Dependencies",
        description="1 while a store or a peer answers the health check of a service. The one at 0 is where to look.",
        unit="short",
        width=16,
        queries=[Query("min by (job, dependency) (dependency_up)", "{{job}} → {{dependency}}")],
    ),
    Panel(
        title="Started again",
        description="Processes that ended and were started again in their place: a crash, a kill, out of memory. Again "
        "and again the same one: it does not get beyond its start. A new pod is not here.",
        unit="short",
        width=12,
        queries=[Query(f"sum by (job) (changes(process_start_time_seconds[{WINDOW}]))", "{{job}}")],
    ),
    Panel(
        title="Clocks are wrong by",
        description="Between a process's own clock and that of Prometheus, the worst of each service. Leases, expiries "
        "and tokens count on seconds. All services at once: it is Prometheus' clock.",
        unit="s",
        width=12,
        queries=[
            Query("max by (job) (abs(clock_timestamp_seconds - timestamp(clock_timestamp_seconds)))", "{{job}}"),
        ],
    ),
)
_HTTP: Final = (
    Panel(
        title="Requests",
        description="HTTP requests a second, by route.",
        unit="reqps",
        stacked=True,
        queries=[Query(f"topk(12, {rate('http_server_requests_total', by='route')})", "{{route}}")],
    ),
    Panel(
        title="Requests by code class",
        description="5xx are ours. 429 and 409 are buyers in a hurry.",
        unit="reqps",
        queries=[Query(rate("http_server_requests_total", by="job, code"), "{{job}} {{code}}")],
    ),
    Panel(
        title="Request duration",
        description="95 % of the requests of a route stay under this.",
        unit="s",
        queries=[Query(f"topk(12, {quantile(0.95, 'http_server_duration_seconds', by='route')})", "{{route}}")],
    ),
)
_RPC: Final = (
    Panel(
        title="Calls answered",
        description="gRPC calls a second, by method. One call carries many bookings under load.",
        unit="reqps",
        stacked=True,
        queries=[Query(f"topk(12, {rate('rpc_server_handled_total', by='method')})", "{{method}}")],
    ),
    Panel(
        title="Calls that broke",
        description="Answered INTERNAL, UNKNOWN, UNAVAILABLE or late, by service. Refusals are answers, not here.",
        unit="reqps",
        queries=[
            Query(or_none(rate("rpc_server_handled_total", by="job", code="=~" + _BROKEN), "job"), "{{job}}"),
        ],
    ),
    Panel(
        title="Call duration",
        description="95 % of the calls of a method stay under this, as its server sees it.",
        unit="s",
        queries=[Query(f"topk(12, {quantile(0.95, 'rpc_server_duration_seconds', by='method')})", "{{method}}")],
    ),
    Panel(
        title="Peers, as their callers see them",
        description="95 % of the calls between two services. Far above the server's own time: the caller is busy.",
        unit="s",
        width=12,
        queries=[Query(quantile(0.95, "rpc_client_duration_seconds", by=_EDGE), "{{source}} → {{destination}}")],
    ),
    Panel(
        title="Calls without success",
        description="By caller, peer and status.",
        unit="reqps",
        width=12,
        queries=[
            Query(
                or_none(
                    rate("rpc_client_handled_total", by=f"{_EDGE}, code", code=_NOT_OK), "source", "destination", "code"
                ),
                "{{source}} → {{destination}} {{code}}",
            )
        ],
    ),
)
_WORK: Final = (
    Panel(
        title="Rounds of background work",
        description="What services do unasked: sweeping, settling, surveying, relaying.",
        unit="ops",
        queries=[Query(rate("job_rounds_total", by="job, work"), "{{job}} {{work}}")],
    ),
    Panel(
        title="Rounds that did not work",
        description="`waits`: something is away and the round is tried again. `failed`: a bug.",
        unit="ops",
        queries=[
            Query(
                or_none(
                    rate("job_rounds_total", by="job, work, result", result='=~"waits|failed"'), "job", "work", "result"
                ),
                "{{job}} {{work}} {{result}}",
            )
        ],
    ),
    Panel(
        title="Items a batch",
        description="How many are worked together. One at night, hundreds in a rush; at its bound all the time, the "
        "batcher is the bottleneck.",
        unit="short",
        queries=[
            Query(
                f"sum by (job, batcher) (rate(batch_items_sum[{WINDOW}])) / "
                f"sum by (job, batcher) (rate(batch_items_count[{WINDOW}]))",
                "{{job}} {{batcher}}",
            )
        ],
    ),
)
_FULL: Final = (
    Panel(
        title="CPU",
        description="Cores in use, by service. A Python process has one: near 1 it is full, and needs a replica.",
        unit="short",
        queries=[Query(rate("process_cpu_seconds_total", by="job"), "{{job}}")],
    ),
    Panel(
        title="Memory",
        description="Resident memory of the largest process of a service.",
        unit="bytes",
        queries=[Query("max by (job) (process_resident_memory_bytes)", "{{job}}")],
    ),
    Panel(
        title="Event loop lag",
        description="How late timers are, 99 % of them at most. Above 0.25 s everything in the process is late.",
        unit="s",
        queries=[Query(quantile(0.99, "event_loop_lag_seconds", by="job"), "{{job}}")],
    ),
    Panel(
        title="Tasks",
        description="Tasks of the event loop. A line that only climbs is a leak.",
        unit="short",
        queries=[Query("max by (job) (asyncio_tasks)", "{{job}}")],
    ),
    Panel(
        title="Garbage collector",
        description="Share of the time that the collector stopped a process.",
        unit="percentunit",
        queries=[Query(rate("python_gc_pause_seconds_sum", by="job"), "{{job}}")],
    ),
    Panel(
        title="Waiting for a batch",
        description="Items that gathered while the batch before was worked.",
        unit="short",
        queries=[Query("max by (job, batcher) (batch_waiting)", "{{job}} {{batcher}}")],
    ),
)

BOARD: Final = Board(
    uid="ticketing-services",
    title="Ticketing / Services",
    description="Which service is slow, failing or full?",
    rows=[("Health", _HEALTH), ("HTTP", _HTTP), ("gRPC", _RPC), ("Background work", _WORK), ("Saturation", _FULL)],
)
