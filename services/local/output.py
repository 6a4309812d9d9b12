"""What a child says, line by line.

The pipe is ours and not asyncio's subprocess pipe: with that one `Process.wait` waits until nobody
holds the other end, so a grandchild would hide the death of the child.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Final

LONGEST_LINE: Final = 64 * 1024


@asynccontextmanager
async def pipe() -> AsyncIterator[tuple[asyncio.StreamReader, IO[bytes]]]:
    """Where to read and what to give the child as stdout. Close the latter when it has it."""
    read_end, write_end = os.pipe()
    reader = asyncio.StreamReader()
    with os.fdopen(read_end, "rb", 0) as our_side, os.fdopen(write_end, "wb", 0) as child_side:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), our_side
        )
        try:
            yield reader, child_side
        finally:
            transport.close()


async def lines_of(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines without their ends; one that is too long comes in pieces, so memory stays bounded."""
    pending = b""
    while chunk := await stream.read(LONGEST_LINE):
        *whole, pending = (pending + chunk).split(b"\n")
        for line in whole:
            yield line.rstrip(b"\r").decode(errors="replace")
        if len(pending) >= LONGEST_LINE:
            yield pending.decode(errors="replace")
            pending = b""
    if pending:
        yield pending.decode(errors="replace")
