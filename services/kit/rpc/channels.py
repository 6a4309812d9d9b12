"""Channels to one peer: encrypted or in the clear, balanced over its pods, renewed with our certificate."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import grpc
import msgspec

from services.kit.rpc.identity import Certificate, Identity, Security, identity_in
from services.kit.rpc.server import CLEAR, MAX_MESSAGE_BYTES
from services.kit.topology import topology

# A pod that fails half of its calls, or hangs, gets none for a while; but never are more than half of them left out.
_EJECTION: Final = {
    "interval": "1s",
    "baseEjectionTime": "5s",
    "maxEjectionPercent": 50,
    "failurePercentageEjection": {"threshold": 50, "enforcementPercentage": 100, "minimumHosts": 2, "requestVolume": 5},
}
_BALANCED: Final = [
    {"outlier_detection_experimental": {**_EJECTION, "childPolicy": [{"round_robin": {}}]}},
    {"round_robin": {}},
]
# A channel that was replaced may finish its calls; streams are renewed sooner than that.
LINGERS_S: Final = 120.0
DECIDE_S: Final = 1.0


class Channels:
    """Opens no connection before the first call, or `decided`."""

    def __init__(self, name: str, url: str, security: Security, method_config: list[dict[str, Any]]) -> None:
        self._name, self._url, self._mode = name, url, security.mode
        self._method_config = method_config
        self._identity: Identity | None = identity_in(security.folder) if security.mode != "off" else None
        self._shown: Certificate | None = None
        self._clear = self._open_clear() if security.mode != "strict" else None
        self._secure: grpc.aio.Channel | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    def current(self) -> grpc.aio.Channel:
        """The channel for the next call: encrypted where we and the peer can."""
        if self._identity is None:
            return _there(self._clear)
        secure = self._current_secure()
        if self._clear is None or _ready(secure) or not _ready(self._clear):
            return secure
        return self._clear

    async def decided(self) -> None:
        """Wait, but not for long, until it is known how the peer can be spoken with."""
        if self._identity is None or self._clear is None:
            return
        both = [asyncio.create_task(_connected(one)) for one in (self._clear, self._current_secure())]
        try:
            await asyncio.wait(both, timeout=DECIDE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    def _open_clear(self) -> grpc.aio.Channel:
        health = CLEAR if self._mode == "permissive" else ""
        return grpc.aio.insecure_channel(_target(self._url), _options(self._method_config, health))

    def _current_secure(self) -> grpc.aio.Channel:
        certificate = _there(self._identity).current()
        if self._secure is None or certificate is not self._shown:
            if self._secure is not None:
                self._let_go(self._secure)
            self._secure, self._shown = self._open_secure(certificate), certificate
        return self._secure

    def _open_secure(self, certificate: Certificate) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(certificate.roots, certificate.key, certificate.chain)
        options = _options(self._method_config, "")
        # Its certificate has to be for that service, whatever the address is.
        named = (("grpc.ssl_target_name_override", self._name), ("grpc.default_authority", self._name))
        return grpc.aio.secure_channel(_target(mesh_url(self._name, self._url)), credentials, options + named)

    def _let_go(self, channel: grpc.aio.Channel) -> None:
        leaving = asyncio.create_task(channel.close(LINGERS_S), name=f"old channel:{self._name}")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        for leaving in self._leaving:
            leaving.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        for channel in (self._clear, self._secure):
            if channel is not None:
                await channel.close()


def mesh_url(name: str, url: str) -> str:
    """Where the peer takes encrypted calls: as far from its port in the clear as the table says."""
    ports = topology().services[name].ports
    host, _, port = url.rpartition(":")
    return f"{host}:{int(port) - ports['grpc'] + ports['mesh']}"


def _target(url: str) -> str:
    """A name may have many addresses; `dns://<server>/<name>:<port>` asks a DNS server of one's own for them."""
    return url if "://" in url else f"dns:///{url}"


def _there[T](value: T | None) -> T:
    if value is None:
        raise RuntimeError("a channel without a mode")
    return value


def _ready(channel: grpc.aio.Channel) -> bool:
    return channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY


async def _connected(channel: grpc.aio.Channel) -> None:
    while not _ready(channel):
        await channel.wait_for_state_change(channel.get_state())


def _options(method_config: list[dict[str, Any]], health: str) -> tuple[tuple[str, Any], ...]:
    config = {
        "loadBalancingConfig": _BALANCED,
        "healthCheckConfig": {"serviceName": health},
        "methodConfig": method_config,
        # A budget: of a hundred calls ten may be sent again, fewer while the peer goes on failing.
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
    }
    return (
        ("grpc.service_config", msgspec.json.encode(config).decode()),
        ("grpc.dns_min_time_between_resolutions_ms", 2_000),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    )
