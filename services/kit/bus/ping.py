"""Whether a broker is there: enough for a health page, and far cheaper than a client."""

import asyncio
from contextlib import suppress

from services.kit.settings import KafkaSettings

TIMEOUT_S = 1.0


async def ping(settings: KafkaSettings) -> None:
    """Raises ConnectionError when none of the brokers takes a connection within a second."""
    for address in settings.kafka_brokers.split(","):
        host, _, port = address.strip().rpartition(":")
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(TIMEOUT_S):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                await writer.wait_closed()
            return
    raise ConnectionError(f"no broker of {settings.kafka_brokers} answers")
