"""The port of a store: free before it starts, answering after."""

from __future__ import annotations

import asyncio
import socket


class StoreFailed(RuntimeError):
    """A store cannot be started; the text is for the person at the terminal."""


def refuse_busy_port(name: str, port: int, *, variable: str) -> None:
    with socket.socket() as probe:
        # A port that is only cooling down counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StoreFailed(
                f"port {port} for {name} is in use: free it, or set {variable} to your own store"
            ) from error


async def port_answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
