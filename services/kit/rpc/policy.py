"""Who may call which method: what the table grants, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
import structlog

from services.kit import metrics
from services.kit.errors import CallNotAllowed
from services.kit.rpc.identity import Security

# Open to everybody: probes have no certificate.
HEALTH: Final = "/grpc.health.v1.Health/"
REFLECTION: Final = "/grpc.reflection."
NOBODY: Final = "unknown"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Policy:
    """Decides about every call to one service before its handler sees it."""

    security: Security
    # Name of a method, without its service → who may call it.
    granted: Mapping[str, Collection[str]]
    reflection: bool

    def check(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> str:
        """Who calls; empty when nobody had to say so. Refuses `call-not-allowed`; counted and logged, for it is an
        attack or a hole in the table.
        """
        if self.security.mode == "off" or method.startswith(HEALTH):
            return ""
        caller = self._caller(context)
        if method.startswith(REFLECTION) and self.reflection and (caller or self.security.mode == "permissive"):
            return ""
        sentence = self._objection(method, caller)
        if sentence:
            metrics.RPC_DENIED.labels(method.lstrip("/"), caller or NOBODY).inc()
            log.warning("call_denied", method=method, caller=caller or NOBODY, why=sentence)
            raise CallNotAllowed(sentence)
        return caller or ""

    def _caller(self, context: grpc.aio.ServicerContext[Any, Any]) -> str | None:
        """The service that calls, empty when it is not of this platform; None without a certificate."""
        shown = context.auth_context().get("peer_spiffe_id")
        return self.security.service_of(next(iter(shown)).decode()) if shown else None

    def _objection(self, method: str, caller: str | None) -> str:
        if caller is None:
            return "" if self.security.mode == "permissive" else "this needs a certificate of the platform"
        if not caller:
            return "the certificate is not of this platform"
        name = method.rpartition("/")[2]
        return "" if caller in self.granted.get(name, ()) else f"{caller} may not call {method}"
