"""Logs: one JSON event a line, on standard output, with the booking and trace it belongs to."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import msgspec
import structlog

from services.kit.settings import ServiceSettings
from services.kit.tracing import current_trace_id

type Event = MutableMapping[str, Any]


def configure_logs(settings: ServiceSettings) -> None:
    """Call once, before anything logs. Other libraries' records come out in the same form, from `warning` up."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, _render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=settings.service)
    foreign = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(foreign)
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def _add_trace(_logger: object, _method: str, event: Event) -> Event:
    if trace_id := current_trace_id():
        event["trace_id"] = trace_id
    return event


def _render(_logger: object, _method: str, event: Event) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
