"""For whom a call acts: auth's word, short-lived and for one service, so that a certificate alone acts for nobody.

A caller brings it along (`speaking`), a server that the table says acts for persons asks for it (`Persons`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Protocol

import structlog

from services.kit import metrics
from services.kit.errors import NotNow, PersonNotProven, Refusal
from services.kit.rpc.identity import Security
from services.kit.topology import Person, topology

METADATA: Final = "on-behalf-of"
# Whoever has this role may ask about anybody.
ADMIN: Final = "admin"
log = structlog.get_logger()

# The service that is to believe it → auth's word.
type Voucher = Callable[[str], Awaitable[str]]
# A request that brings another proof than auth's word → whose it is. Refuses `person-not-proven`.
type Evidence = Callable[[Any], Awaitable[str]]

_voucher: ContextVar[Voucher | None] = ContextVar("voucher", default=None)


class JwksReply(Protocol):
    """auth's answer with its published keys."""

    @property
    def jwks_json(self) -> str: ...


type LoadKeys = Callable[[], Awaitable[JwksReply]]


@contextmanager
def speaking(voucher: Voucher | None) -> Iterator[None]:
    """What is called in this block is called for a person, of whom that one brings auth's word."""
    token = _voucher.set(voucher)
    try:
        yield
    finally:
        _voucher.reset(token)


async def word_for(callee: str) -> str:
    """auth's word of the person that is spoken for; empty when nobody is. Raises what auth does."""
    voucher = _voucher.get()
    return await voucher(callee) if voucher else ""


async def person_metadata(caller: str, callee: str, method: str) -> tuple[tuple[str, str], ...]:
    """What a call brings along: nothing where it acts for nobody, or nobody is spoken for. Raises what auth does."""
    if _voucher.get() is None or method not in topology().services[callee].persons.get(caller, ()):
        return ()
    return ((METADATA, await word_for(callee)),)


class Persons:
    """The check of one service's calls that act for persons."""

    def __init__(
        self, security: Security, acts: Mapping[str, Mapping[str, Person]], load: LoadKeys, evidence: Evidence | None
    ) -> None:
        # Imported here: a service whose mesh is off need not pay for the library, which takes 8 MB.
        from services.kit.tokens import TokenVerifier

        async def load_jwks() -> str:
            return (await load()).jwks_json

        self._strict, self._acts, self._evidence = security.mode == "strict", acts, evidence
        self._words = TokenVerifier(load_jwks, audience=security.service)

    async def check(self, caller: str, path: str, request: Any, word: str) -> None:
        """Refuses `person-not-proven` when the request names somebody who is not behind it.

        Raises NotNow while it can not be told. Outside of `strict`, a call without any word is believed.
        """
        acts = self._acts.get(caller, {}).get(path.rpartition("/")[2])
        if acts is None:
            return
        named = str(getattr(request, acts.field))
        if acts.optional and not named:
            return
        try:
            await self._prove(named, request, word)
        except NotNow:
            raise
        except Refusal as refusal:
            metrics.RPC_DENIED.labels(path.lstrip("/"), caller).inc()
            log.warning("person_not_proven", method=path, caller=caller, why=str(refusal))
            raise PersonNotProven(str(refusal)) from refusal

    async def _prove(self, named: str, request: Any, word: str) -> None:
        if word:
            person = await self._words.verify(word)
            if person.user_id != named and (named or ADMIN not in person.roles):
                raise PersonNotProven("auth's word is of somebody else")
        elif self._evidence is not None and request.HasField("order"):
            if await self._evidence(request) != named:
                raise PersonNotProven("the order is somebody else's")
        elif self._strict:
            raise PersonNotProven("this needs auth's word for its person")


def persons_of(security: Security, load: LoadKeys, evidence: Evidence | None = None) -> Persons | None:
    """The check of a service; None where nobody shows who they are anyway."""
    if security.mode == "off":
        return None
    return Persons(security, topology().services[security.service].persons, load, evidence)
