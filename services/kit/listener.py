"""A port at which every connection that waits is let in at once, however busy the loop is.

uvloop's own servers accept one connection a round of the loop (libuv/libuv#3696). A round that serves a thousand
requests is long, and the last of a crowd would wait as many of them as there are others, told nothing for seconds.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Final

import structlog

# Connections the kernel keeps until they are accepted, and how many are at a time.
BACKLOG: Final = 4096
AT_ONCE: Final = 256
# Without a descriptor or memory for one more: until some have gone.
RESTS_S: Final = 0.5
log = structlog.get_logger()


class Listener:
    def __init__(self, connection: Callable[[], asyncio.Protocol], host: str, port: int) -> None:
        """`connection` makes the protocol of a connection; port 0 is any that is free."""
        self._connection = connection
        self._address = (host, port)
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._rests: asyncio.TimerHandle | None = None
        self._beginning: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        """Raises OSError when the port is taken."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._socket = socket.create_server(self._address, family=family, backlog=BACKLOG)
        self._socket.setblocking(False)
        self._listen()

    @property
    def ports(self) -> Sequence[int]:
        return () if self._socket is None else (self._socket.getsockname()[1],)

    def close(self) -> None:
        """Nobody is let in any more; connections that are open stay so."""
        if self._socket is None:
            return
        if self._rests is not None:
            self._rests.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._socket = None

    def _listen(self) -> None:
        self._rests = None
        if self._socket is not None:
            self._loop.add_reader(self._socket, self._let_in)

    def _let_in(self) -> None:
        for _ in range(AT_ONCE):
            if self._socket is None:
                return
            try:
                connected, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            self._begin(connected)

    def _rest(self, error: OSError) -> None:
        """The socket stays readable: without a rest the loop would do nothing else than fail."""
        log.error("not_accepted", error=str(error))
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._rests = self._loop.call_later(RESTS_S, self._listen)

    def _begin(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        beginning = self._loop.create_task(self._loop.connect_accepted_socket(self._connection, connected))
        self._beginning.add(beginning)
        beginning.add_done_callback(self._began)

    def _began(self, beginning: asyncio.Task[object]) -> None:
        self._beginning.discard(beginning)
        if not beginning.cancelled() and (error := beginning.exception()) is not None:
            log.warning("connection_not_begun", error=str(error))
