"""Logs: one JSON event a line; no person and no secret in it; their level changes while the process runs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from services.kit import tracing
from services.kit.logs import configure_logs, set_level
from services.kit.settings import ServiceSettings
from services.kit.signals import LevelSwitch


class Settings(ServiceSettings):
    service = "gateway"


@dataclass(frozen=True)
class Account:
    user_id: str
    email: str = field(repr=False)


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs(Settings())
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_is_one_line_of_json_with_its_service_and_trace(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings())
    log = structlog.get_logger()

    with tracing.adopted("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"):
        Context().run(log.info, "elsewhere")
        log.info("seats_held", hold=1, note="two\nlines")

    elsewhere, held = logged(capsys)
    assert elsewhere["service"] == "gateway"
    assert "trace_id" not in elsewhere
    assert held["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (held["event"], held["hold"], held["level"]) == ("seats_held", 1, "info")


def test_a_value_is_written_as_it_prints_itself(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings())
    account, secret = Account("u1", "ada@example.com"), SecretStr("sk_live_1")

    structlog.get_logger().info("seen", account=account, among=[account, {"key": secret}], secret=secret)

    said = capsys.readouterr().out
    assert "u1" in said
    assert "ada@example.com" not in said
    assert "sk_live_1" not in said


def test_a_row_that_postgres_quotes_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings())
    fault = RuntimeError("duplicate key\nDETAIL:  Key (email)=(ada@example.com) already exists.")

    structlog.get_logger().error("failed", exc_info=fault)

    (event,) = logged(capsys)
    assert "duplicate key" in event["exception"]
    assert "ada@example.com" not in event["exception"]


async def test_the_level_changes_while_the_process_runs_and_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings())
    log, switch = structlog.get_logger(), LevelSwitch("info")

    log.debug("before")
    switch.turn()
    log.debug("during")
    switch.turn()
    log.debug("after")

    assert [event["event"] for event in logged(capsys)] == ["log_level_changed", "during", "log_level_changed"]


def test_a_level_holds_for_loggers_of_libraries_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings())
    set_level("error")

    logging.getLogger("a.library").warning("not now")
    logging.getLogger("a.library").error("now")

    assert [event["event"] for event in logged(capsys)] == ["now"]
