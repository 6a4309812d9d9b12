"""auth.AuthService: wire to our words and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import grpc

from protos.gen import auth_pb2 as pb
from protos.gen import auth_pb2_grpc, refusal_pb2
from services.auth.domain import Account, TokenPair, Vouching
from services.auth.handlers import AuthHandlers
from services.auth.keyring import KeyRing
from services.kit.errors import Invalid, Told
from services.kit.tokens import base64url

MAX_VOUCHED: Final = 200
# Of an Ed25519 public key.
KEY_BYTES: Final = 32

type Context = grpc.aio.ServicerContext[Any, Any]


class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    def __init__(self, handlers: AuthHandlers, keys: KeyRing, *, keys_changed: Callable[[], None]) -> None:
        self._handlers, self._keys, self._keys_changed = handlers, keys, keys_changed

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        signed_in = await self._handlers.register(
            email=request.email, password=request.password, name=request.name, role=request.role
        )
        return pb.RegisterResponse(account=_account(signed_in.account), tokens=_tokens(signed_in.tokens))

    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.LoginResponse:
        signed_in = await self._handlers.login(
            email=request.email, password=request.password, address=request.client_address
        )
        return pb.LoginResponse(account=_account(signed_in.account), tokens=_tokens(signed_in.tokens))

    async def Refresh(self, request: pb.RefreshRequest, context: Context) -> pb.RefreshResponse:
        return pb.RefreshResponse(tokens=_tokens(await self._handlers.refresh(request.refresh_token)))

    async def ValidateToken(self, request: pb.ValidateTokenRequest, context: Context) -> pb.ValidateTokenResponse:
        account, expires_at = await self._handlers.validate(request.access_token)
        reply = pb.ValidateTokenResponse(account=_account(account))
        reply.expires_at.FromDatetime(datetime.fromtimestamp(expires_at, UTC))
        return reply

    async def Revoke(self, request: pb.RevokeRequest, context: Context) -> pb.RevokeResponse:
        await self._handlers.revoke(request.refresh_token)
        return pb.RevokeResponse()

    async def GetJwks(self, request: pb.GetJwksRequest, context: Context) -> pb.GetJwksResponse:
        return pb.GetJwksResponse(jwks_json=await self._keys.jwks())

    async def VouchFor(self, request: pb.VouchForRequest, context: Context) -> pb.VouchForResponse:
        if not 1 <= len(request.wanted) <= MAX_VOUCHED or len(request.speaker_key) != KEY_BYTES:
            raise Invalid(f"wanted: 1 to {MAX_VOUCHED}; speaker_key: {KEY_BYTES} bytes")
        speaker = base64url(request.speaker_key)
        wanted = [Vouching(one.access_token, one.audience, speaker) for one in request.wanted]
        return pb.VouchForResponse(outcomes=map(_vouched, await self._handlers.vouch_for(wanted)))

    async def RotateKeys(self, request: pb.RotateKeysRequest, context: Context) -> pb.RotateKeysResponse:
        key_id = await self._keys.rotate()
        self._keys_changed()
        return pb.RotateKeysResponse(key_id=key_id)

    async def GrantRole(self, request: pb.GrantRoleRequest, context: Context) -> pb.GrantRoleResponse:
        return pb.GrantRoleResponse(account=_account(await self._handlers.grant_role(request.user_id, request.role)))


def _vouched(outcome: str | Told) -> pb.Vouched:
    if isinstance(outcome, str):
        return pb.Vouched(token=outcome)
    refused = refusal_pb2.Refused(kind=outcome.kind.value, reason=outcome.reason, message=str(outcome))
    return pb.Vouched(refused=refused)


def _account(account: Account) -> pb.Account:
    return pb.Account(
        user_id=account.user_id,
        email=account.email,
        name=account.name,
        roles=[role.value for role in account.roles],
    )


def _tokens(pair: TokenPair) -> pb.Tokens:
    message = pb.Tokens(access_token=pair.access.text, refresh_token=pair.refresh_token)
    message.access_expires_at.FromDatetime(pair.access.expires_at)
    message.refresh_expires_at.FromDatetime(pair.refresh_expires_at)
    return message
