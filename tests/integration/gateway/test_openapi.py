"""The OpenAPI document and the gateway agree: whatever schemathesis sends, what comes back is what is described."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from services.kit.ids import new_id
from tests.integration.gateway.conftest import running_gateway
from tests.twins.peers import Peers

# Not `positive_data_acceptance`: what fits the schema may still be refused, such as a seat the event does not have.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)


async def test_schemathesis_finds_nothing_that_is_not_described(valkey, peers: Peers, tmp_path: Path) -> None:
    async with running_gateway(
        valkey, peers, rate_limit_user_per_min=0, rate_limit_bookings_per_min=0, rate_limit_address_per_min=0
    ) as gateway:
        token = peers.issuer.token(new_id(), "buyer", "organiser")

        code, output = await _schemathesis(f"{gateway.url}/openapi.json", token, tmp_path)

    assert code == 0, output


async def _schemathesis(url: str, token: str, folder: Path) -> tuple[int, str]:
    """Its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        url,
        "--checks",
        ",".join(CHECKS),
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "15",
        "--max-time",
        "25",
        "--seed",
        "1",
        "--continue-on-failure",
        "--no-shrink",
        "--warnings",
        "off",
        "--header",
        f"Authorization: Bearer {token}",
        cwd=folder,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "NO_COLOR": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()
