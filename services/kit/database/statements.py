"""A span for each statement of a sampled trace, and nothing at all for the others."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from opentelemetry.trace import Span, SpanKind
from sqlalchemy import Engine, event

from services.kit import tracing
from services.kit.settings import PostgresSettings

_SPAN: Final = "ticketing_span"
# What it does, and the first table it names.
_VERB: Final = re.compile(r"\s*(?:WITH\b.*?\)\s*)?(SELECT|INSERT|UPDATE|DELETE|\w+)", re.I | re.S)
_TABLE: Final = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+([a-z_][a-z_.]*)", re.I)


def trace_statements(engine: Engine, settings: PostgresSettings) -> None:
    """Names and not values: what a statement is given stays out of the trace."""
    about: dict[str, str | int | float | bool] = {
        "db.system.name": "postgresql",
        "db.namespace": f"{settings.postgres_db}|{settings.postgres_user}",
        "server.address": settings.postgres_host,
        "server.port": settings.postgres_port,
    }

    @event.listens_for(engine, "before_cursor_execute")
    def begin(_c: Any, _cursor: Any, statement: str, _p: Any, context: Any, _many: bool) -> None:
        if context is not None and tracing.is_recording():
            verb, summary = summary_of(statement)
            attributes = about | {"db.operation.name": verb, "db.query.summary": summary}
            setattr(context, _SPAN, tracing.begun(summary, kind=SpanKind.CLIENT, attributes=attributes))

    @event.listens_for(engine, "after_cursor_execute")
    def finish(_c: Any, _cursor: Any, _s: str, _p: Any, context: Any, _many: bool) -> None:
        _end(context, "")

    @event.listens_for(engine, "handle_error")
    def fail(error: Any) -> None:
        state = getattr(error.original_exception, "sqlstate", None)
        _end(error.execution_context, str(state or type(error.original_exception).__name__))


def _end(context: Any, failure: str) -> None:
    span: Span | None = getattr(context, _SPAN, None)
    if span is not None:
        setattr(context, _SPAN, None)
        tracing.end(span, failure)


@lru_cache(512)
def summary_of(statement: str) -> tuple[str, str]:
    """`UPDATE` and `UPDATE bookings`."""
    found = _VERB.match(statement)
    verb = found[1].upper() if found else "SQL"
    table = _TABLE.search(statement)
    return verb, f"{verb} {table[1]}" if table else verb
