"""Logs: one JSON event a line, on standard output, with the booking and trace it belongs to.

What an event carries is written as it prints itself, and values that hold a person print nothing of it.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import msgspec
import structlog

from services.kit.settings import ServiceSettings
from services.kit.tracing import current_trace_id

type Event = MutableMapping[str, Any]

# A line of PostgreSQL's that quotes the row it is about.
_DETAIL: Final = re.compile(r"\n?DETAIL: .*")
_DEPTH: Final = 4


class Leveled(structlog.make_filtering_bound_logger(logging.INFO)):  # type: ignore[misc] # made at run time
    """Every logger is one of these: what is below the level costs a call that does nothing."""


def configure_logs(settings: ServiceSettings) -> None:
    """Call once, before anything logs. Other libraries' records come out in the same form, from `warning` up."""

    def add_service(_logger: object, _method: str, event: Event) -> Event:
        # Not among the context's variables: what runs in a context of its own is still of this service.
        event["service"] = settings.service
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_service,
        _add_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_rows,
    ]
    structlog.configure(
        processors=[*shared, _render],
        wrapper_class=Leveled,
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    foreign = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(foreign)
    logging.basicConfig(handlers=[handler], force=True)
    set_level(settings.log_level)


def set_level(name: str) -> None:
    """From now on, for every logger there is."""
    level = logging.getLevelNamesMapping()[name.upper()]
    # Loggers are cached where they are used: they keep their class, and the class changes what it is.
    Leveled.__bases__ = (structlog.make_filtering_bound_logger(level),)
    logging.getLogger().setLevel(max(level, logging.WARNING))


def _add_trace(_logger: object, _method: str, event: Event) -> Event:
    if trace_id := current_trace_id():
        event["trace_id"] = trace_id
    return event


def _without_rows(_logger: object, _method: str, event: Event) -> Event:
    if "exception" in event:
        event["exception"] = _DETAIL.sub("", event["exception"])
    return event


def _render(_logger: object, _method: str, event: Event) -> str:
    return msgspec.json.encode({name: _said(value) for name, value in event.items()}).decode()


def _said(value: object, depth: int = _DEPTH) -> object:
    """JSON's own values; anything else by its `repr`, for an encoder would take a record apart, secrets and all."""
    if value is None or isinstance(value, str | int | float):
        return value
    if depth and isinstance(value, Mapping):
        return {str(key): _said(one, depth - 1) for key, one in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_said(one, depth - 1) for one in value]
    return repr(value)
