"""Connections that can be cut: between every caller and what it calls stands a forwarder of bytes.

Real connections on real sockets: what a cut looks like to both ends is decided by the kernel, not by us. It takes no
right that a user of this machine does not have.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self, cast

HOST: Final = "127.0.0.1"
# Above the ports of a platform however they are moved, and below those that a system gives to outgoing connections:
# a crowd that comes back all at once must not sit on the port of a service that is about to start again.
PORTS: Final = range(25_000, 32_000)
BACKLOG: Final = 1024
CONNECT_S: Final = 5.0
# No lingering: an end is a reset.
_RESET: Final = struct.pack("ii", 1, 0)


class Wires:
    """`async with Wires() as wires:` give `wires.route` to whoever tells callers where to go."""

    def __init__(self) -> None:
        self._wires: dict[tuple[str, str], Wire] = {}

    def route(self, caller: str, callee: str, port: int) -> int:
        """The port by which `caller` reaches `callee` from now on."""
        if (caller, callee) not in self._wires:
            self._wires[caller, callee] = Wire(port)
        return self._wires[caller, callee].port

    def of(self, place: str) -> Sequence[Wire]:
        """The wires of `caller/callee`; `*` is everybody. Raises LookupError when there is none."""
        caller, callee = place.split("/")
        found = [wire for (one, other), wire in self._wires.items() if caller in ("*", one) and callee in ("*", other)]
        if not found:
            raise LookupError(f"nothing is wired as {place}")
        return found

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for wire in self._wires.values():
            await wire.close()


class Wire:
    """Listens on a free port and carries bytes to and from `to_port` of this machine."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._socket = _listening_socket()
        self.port: int = self._socket.getsockname()[1]
        self._links: set[Link] = set()
        self._is_away = self._is_mute = False
        self._listening = asyncio.create_task(self._listen(), name=f"wire to {to_port}")

    def cut(self) -> None:
        """Every connection is reset."""
        for link in list(self._links):
            link.reset()

    def leave(self) -> None:
        """Every connection is reset, now and until `come_back`."""
        self._is_away = True
        self.cut()

    def come_back(self) -> None:
        self._is_away = False

    def mute(self) -> None:
        """Nothing passes until `speak`, and nobody is told."""
        self._is_mute = True
        for link in self._links:
            link.hold()

    def speak(self) -> None:
        self._is_mute = False
        for link in self._links:
            link.release()

    async def close(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        self.cut()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: End(self._connected), sock=self._socket)
        async with server:
            await server.serve_forever()

    def _connected(self, caller: End) -> None:
        link = Link(caller, self._to_port, self._links.discard)
        self._links.add(link)
        if self._is_away:
            link.reset()
        elif self._is_mute:
            link.hold()


class Link:
    """A caller's connection, and ours to the callee. `gone` is called when both have ended."""

    def __init__(self, caller: End, to_port: int, gone: Callable[[Link], None]) -> None:
        self._ends = (caller, End())
        self._gone = gone
        self._is_held = False
        caller.other, self._ends[1].other = self._ends[1], caller
        caller.lost = self._ends[1].lost = self._lost
        # Until there is somebody to pass it on to.
        caller.stop_reading()
        self._reaching = asyncio.create_task(self._reach(to_port), name="wire-link")

    def hold(self) -> None:
        self._is_held = True
        for end in self._ends:
            end.stop_reading()

    def release(self) -> None:
        self._is_held = False
        for end in self._ends:
            end.read_on()

    def reset(self) -> None:
        self._reaching.cancel()
        for end in self._ends:
            end.reset()
        self._gone(self)

    async def _reach(self, to_port: int) -> None:
        caller, callee = self._ends
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.get_running_loop().create_connection(lambda: callee, HOST, to_port)
        except (OSError, TimeoutError):
            caller.reset()
            self._gone(self)
            return
        if self._is_held:
            callee.stop_reading()
        else:
            caller.read_on()

    def _lost(self) -> None:
        """Whichever end goes first; what it has said still reaches the other."""
        for end in self._ends:
            end.finish()
        self._gone(self)


class End(asyncio.Protocol):
    """One end of a link: what it hears, the other end says."""

    other: End

    def __init__(self, connected: Callable[[End], None] | None = None) -> None:
        self._connected = connected
        self._transport: asyncio.Transport | None = None
        self.lost: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._connected:
            self._connected(self)

    def data_received(self, data: bytes) -> None:
        self.other.say(data)

    def say(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def pause_writing(self) -> None:
        self.other.stop_reading()

    def resume_writing(self) -> None:
        self.other.read_on()

    def stop_reading(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def read_on(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.lost()

    def finish(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        if self._transport is not None:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()


def _listening_socket() -> socket.socket:
    for port in PORTS:
        with suppress(OSError):
            return socket.create_server((HOST, port), backlog=BACKLOG)
    raise OSError(f"no free port from {PORTS.start} to {PORTS.stop}")
