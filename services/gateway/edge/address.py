"""Where a request comes from: the peer's address, or what a proxy that we trust says."""

import ipaddress
from collections.abc import Sequence

from aiohttp import web

from services.gateway.settings import Network


def client_address(request: web.Request, trusted: Sequence[Network]) -> str:
    """The first address, from the right of X-Forwarded-For, that is not one of our own proxies."""
    peer = request.remote or ""
    if not trusted or not _is_in(peer, trusted):
        return peer
    hops = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
    for hop in reversed([text for text in map(str.strip, hops) if text]):
        if not _is_address(hop):
            break  # What is left of it may say anything.
        peer = hop
        if not _is_in(hop, trusted):
            break
    return peer


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    return _is_address(address) and any(ipaddress.ip_address(address) in network for network in networks)
