"""Who a process is among the others: a certificate with a SPIFFE URI, read again when its files change.

The folder is as Kubernetes mounts a Secret of type `kubernetes.io/tls`: `tls.crt`, `tls.key` and `ca.crt`, behind a
link `..data` that is swapped at once. `ca.crt` may hold several authorities: while one takes over from another, both.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final, Literal

import structlog

from services.kit import metrics
from services.kit.rpc.x509 import validity
from services.kit.spiffe import TRUST_DOMAIN, spiffe_id

# The files are looked at this often at most, by whoever needs them: nothing runs in the background.
LOOK_S: Final = 1.0
NAMESPACE: Final = "default"
log = structlog.get_logger()

type Mode = Literal["off", "permissive", "strict"]


@dataclass(frozen=True, slots=True)
class Security:
    """How a process speaks with its peers, and as whom.

    `off`: in the clear. `permissive`: encrypted where the peer can, in the clear too; the way from off to strict and
    back. `strict`: encrypted, and nobody without an identity gets an answer, but about health.
    """

    mode: Mode = "off"
    folder: Path = Path()
    trust_domain: str = TRUST_DOMAIN
    namespace: str = NAMESPACE
    # Who this process is in the table; empty for a tool.
    service: str = ""

    def spiffe_id(self, service: str) -> str:
        return spiffe_id(self.trust_domain, self.namespace, service)

    def service_of(self, spiffe_id: str) -> str:
        """Whose identity it is; empty for one of another platform."""
        prefix = self.spiffe_id("")
        return spiffe_id.removeprefix(prefix) if spiffe_id.startswith(prefix) else ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """All of it PEM. Equal when nothing changed."""

    chain: bytes
    key: bytes = field(repr=False)
    roots: bytes

    @property
    def expires_at(self) -> datetime:
        return validity(self.chain)[1]


class NoIdentity(RuntimeError):
    """The folder holds no certificate that can be used; the process cannot start without one."""


class Identity:
    """The certificate of this process as it is now."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises NoIdentity when there is none."""
        self._folder, self._clock = folder, clock
        self._looked_at = clock()
        self._stamp = self._read_stamp()
        self._current = self._read()

    def current(self) -> Certificate:
        """Called for every handshake, from threads of the library too. A pair that does not fit is logged."""
        if self._clock() - self._looked_at < LOOK_S:
            return self._current
        self._looked_at = self._clock()
        try:
            if (stamp := self._read_stamp()) != self._stamp:
                self._current, self._stamp = self._read(), stamp
                log.info("identity_renewed", expires_at=self._current.expires_at.isoformat())
        except (NoIdentity, OSError) as error:
            log.warning("identity_not_renewed", error=str(error))
        return self._current

    @property
    def _data(self) -> Path:
        """The folder of one version: a link that is followed once, so that key and certificate belong together."""
        link = self._folder / "..data"
        return link.resolve() if link.exists() else self._folder

    def _read_stamp(self) -> tuple[str, int]:
        try:
            return str(self._data), (self._data / "tls.crt").stat().st_mtime_ns
        except OSError as error:
            raise NoIdentity(f"{self._folder}: {error}") from error

    def _read(self) -> Certificate:
        data = self._data
        try:
            # Says whether the key belongs to the certificate, and the authorities are some.
            ssl.create_default_context(cafile=str(data / "ca.crt")).load_cert_chain(data / "tls.crt", data / "tls.key")
            chain, key, roots = ((data / name).read_bytes() for name in ("tls.crt", "tls.key", "ca.crt"))
        except (OSError, ssl.SSLError) as error:
            raise NoIdentity(f"{data}: {error}") from error
        issued_at, expires_at = validity(chain)
        metrics.IDENTITY_ISSUED.set(issued_at.timestamp())
        metrics.IDENTITY_EXPIRES.set(expires_at.timestamp())
        return Certificate(chain, key, roots)


@cache
def identity_in(folder: Path) -> Identity:
    """One for a process, however many channels and servers show it."""
    return Identity(folder)
