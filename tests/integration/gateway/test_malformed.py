"""What can not be read as HTTP, or asks for what nobody promised, is answered as everything else that is wrong."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.integration.gateway.conftest import Gateway


async def raw(gateway: Gateway, sent: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body of what comes back for these very bytes."""
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(sent)
        async with asyncio.timeout(45):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(body)


@pytest.mark.parametrize(
    ("sent", "status", "detail"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "not HTTP"),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", 400, "not HTTP"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 400, "too long"),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400, "too long"),
        (
            b"POST /api/v1/bookings HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nConnection: close\r\n\r\n",
            417,
            "100-continue",
        ),
    ],
    ids=["tls", "no-header", "long-header", "long-path", "expectation"],
)
async def test_what_is_not_http_is_answered_with_a_problem_and_logged_by_nobody(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, sent: bytes, status: int, detail: str
) -> None:
    answered, headers, problem = await raw(gateway, sent)

    assert (answered, problem["status"], problem["reason"]) == (status, status, "bad-request")
    assert headers["Content-Type"].startswith("application/problem+json")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert detail in problem["detail"]
    assert caplog.records == []


async def test_a_client_that_asks_before_it_sends_is_told_to_go_on(gateway: Gateway) -> None:
    wrong = {"email": "ada@example.com", "password": "no"}

    answer = await gateway.ask("POST", "/api/v1/auth/login", json=wrong, expect100=True)

    assert answer.status in {401, 422}
