"""Logs: one JSON event a line, as the services write them."""

import logging
import sys

import msgspec
import structlog
from structlog.typing import EventDict, Processor


def configure_logs(level_name: str) -> None:
    """Call once. kopf's own records come out in the same form, from `warning` up."""
    level = logging.getLevelNamesMapping()[level_name.upper()]
    shared: list[Processor] = [
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
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def _render(_logger: object, _method: str, event: EventDict) -> str:
    return msgspec.json.encode({"service": "operator", **event}, enc_hook=str).decode()
