"""Whether an external store can be reached at all: asked only while something is not ready."""

import asyncio
from typing import Final

from services.kit.topology import topology
from ticketing_operator.spec import Spec

TIMEOUT_S: Final = 3.0


async def unreachable(spec: Spec) -> list[str]:
    """A sentence for each external store whose port does not answer this process."""
    answers = await asyncio.gather(*(_fault(field, host, port) for field, host, port in _external(spec)))
    return [answer for answer in answers if answer]


def _external(spec: Spec) -> list[tuple[str, str, int]]:
    ports, found = topology().stores, []
    if spec.postgres.mode == "external":
        found.append(("spec.postgres.host", spec.postgres.host, spec.postgres.port or ports["postgres"]))
    if spec.redis.mode == "external":
        found.append(("spec.redis.host", spec.redis.host, spec.redis.port or ports["redis"]))
    if spec.kafka.mode == "external":
        for broker in spec.kafka.brokers.split(","):
            host, _, port = broker.strip().rpartition(":")
            found.append(("spec.kafka.brokers", host, int(port)))
    return found


async def _fault(field: str, host: str, port: int) -> str:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"{field}: {host}:{port} does not answer within {TIMEOUT_S:.0f} s"
    except OSError as fault:
        return f"{field}: {host}:{port} does not answer ({fault.strerror or type(fault).__name__})"
    writer.close()
    return ""
