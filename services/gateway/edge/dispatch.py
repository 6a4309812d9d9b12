"""From an operation to what aiohttp calls: who asks, how often, with what; then run it and encode the answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiohttp import web

from services.gateway.edge.address import client_address
from services.gateway.edge.limits import Allowance, Limiter
from services.gateway.edge.operation import NO_STORE, Answer, AnyOperation, Auth, Call, Forbidden, Limit, MissingToken
from services.gateway.edge.places import Places
from services.gateway.edge.problems import Wrong
from services.gateway.settings import Network
from services.kit.errors import Kind, Refusal
from services.kit.ids import is_id
from services.kit.rpc.persons import Voucher, speaking
from services.kit.tokens import Identity, InvalidToken, TokenVerifier

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON: Final = "application/json"
# Where the boundary finds what the limiter said, to put it on whatever answer there is.
ALLOWANCE: Final = web.RequestKey("allowance", Allowance)
# True while the client sends its body: if the time runs out then, it is the client that was slow.
READING: Final = web.RequestKey("reading", bool)
# The trace, in the form in which it travels.
TRACEPARENT: Final = web.RequestKey("traceparent", str)
_ENCODE: Final = msgspec.json.Encoder().encode


class MalformedId(Refusal):
    """An id in the path that can not name anything of ours."""

    kind = Kind.MISSING

    def __init__(self, reason: str) -> None:
        super().__init__("nothing has this id")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What every operation shares."""

    verifier: TokenVerifier
    users: Limiter
    bookings: Limiter
    addresses: Limiter
    places: Places
    # Access token → what brings auth's word for its holder; None where the mesh asks for none.
    voucher: Callable[[str], Voucher] | None
    trusted: Sequence[Network]
    body_limit: int


def bind(operation: AnyOperation, door: Door) -> Handler:
    """The handler of that operation."""
    read_body = _body_reader(operation, door.body_limit)
    read_query = _query_reader(operation)
    run, status = operation.run, operation.status
    has_ids = bool(operation.parameters)

    async def handle(request: web.Request) -> web.StreamResponse:
        with door.places.taken():
            return await answer(request)

    async def answer(request: web.Request) -> web.StreamResponse:
        address = client_address(request, door.trusted)
        token, caller = await _admit(operation, door, request, address)
        if has_ids and not all(map(is_id, request.match_info.values())):
            raise MalformedId(operation.missing)
        call: Call[Any, Any] = Call(
            body=await read_body(request),
            query=read_query(request),
            ids=request.match_info,
            headers=request.headers,
            address=address,
            traceparent=request.get(TRACEPARENT, ""),
            token=token,
            caller=caller,
        )
        with speaking(door.voucher(token) if door.voucher and caller else None):
            return _respond(await run(call), status)

    return handle


async def _admit(
    operation: AnyOperation, door: Door, request: web.Request, address: str
) -> tuple[str, Identity | None]:
    """Who asks, if the operation wants to know; refuses who may not, and who asks too often."""
    now = time.monotonic()
    token, caller = "", None
    if operation.auth is not Auth.NONE:
        try:
            token = _bearer(request.headers.get("Authorization", ""))
            caller = await door.verifier.verify(token) if token else None
            if caller is None and operation.auth is Auth.REQUIRED:
                raise MissingToken
        except Refusal:
            # Guessing tokens costs the guesser's address.
            _note(request, door.addresses.take(address, now))
            raise
    if caller is None:
        _note(request, door.addresses.take(address, now))
    else:
        limiter = door.bookings if operation.limit is Limit.BOOKINGS else door.users
        _note(request, limiter.take(caller.user_id, now))
        if operation.roles and not operation.roles & caller.roles:
            raise Forbidden
    return token, caller


def _note(request: web.Request, allowance: Allowance | None) -> None:
    if allowance is not None:
        request[ALLOWANCE] = allowance


def _bearer(header: str) -> str:
    """The token in an Authorization header; empty when there is no header."""
    if not header:
        return ""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken
    return token.strip()


def _body_reader(operation: AnyOperation, limit: int) -> Callable[[web.Request], Awaitable[Any]]:
    if operation.body is type(None):

        async def nothing(_: web.Request) -> None:
            return None

        return nothing
    decode = msgspec.json.Decoder(operation.body).decode

    async def read(request: web.Request) -> Any:
        if (request.content_length or 0) > limit:
            raise Wrong(413, "body-too-large", f"the body may have {limit} bytes")
        raw = await _read(request)
        if not raw and not operation.body_required:
            return operation.body()
        if request.content_type != JSON:
            raise Wrong(415, "unsupported-media-type", "the body must be application/json")
        try:
            return decode(raw)
        except msgspec.ValidationError as error:
            raise Wrong.value(error) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Wrong(400, "malformed-json", str(error)) from error

    return read


async def _read(request: web.Request) -> bytes:
    request[READING] = True
    raw = await request.read()
    request[READING] = False
    return raw


def _query_reader(operation: AnyOperation) -> Callable[[web.Request], Any]:
    if operation.query is type(None):
        return lambda _: None

    def read(request: web.Request) -> Any:
        given = dict(request.query)
        if len(given) != len(request.query):
            raise Wrong(422, "invalid-argument", "the query names a parameter twice")
        try:
            return msgspec.convert(given, operation.query, strict=False)
        except msgspec.ValidationError as error:
            raise Wrong.value(error) from error

    return read


def _respond(answer: Answer, status: int) -> web.Response:
    headers: Mapping[str, str] = {"Cache-Control": NO_STORE, **answer.headers}
    body = answer.encoded
    if body is None and answer.body is not None:
        body = _ENCODE(answer.body)
    if body is None:
        return web.Response(status=answer.status or status, headers=headers)
    return web.Response(status=answer.status or status, body=body, content_type=JSON, headers=headers)
