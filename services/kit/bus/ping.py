"""Whether a broker is there: enough for a health page, and far cheaper than a client."""

import asyncio
import struct
from contextlib import suppress
from typing import Final

from services.kit.settings import KafkaSettings

TIMEOUT_S = 1.0
# "Which versions do you speak?", in the first version of that question: length, key, version, number, no name of ours.
_ASKED: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)


async def ping(settings: KafkaSettings) -> None:
    """Raises ConnectionError when none of the brokers says anything within a second.

    A connection alone proves nothing: the kernel takes it for a broker that hangs, too.
    """
    for address in settings.kafka_brokers.split(","):
        host, _, port = address.strip().rpartition(":")
        with suppress(OSError, TimeoutError, EOFError):
            async with asyncio.timeout(TIMEOUT_S):
                await _ask(host, int(port))
            return
    raise ConnectionError(f"no broker of {settings.kafka_brokers} answers")


async def _ask(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_ASKED)
        await reader.readexactly(4)
    finally:
        writer.close()
