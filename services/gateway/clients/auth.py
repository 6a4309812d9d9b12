"""auth, and the published keys of auth and ticket."""

from __future__ import annotations

import msgspec

from protos.gen import auth_pb2 as pb
from protos.gen import ticket_pb2 as ticket
from services.gateway.clients.peers import Peers
from services.gateway.clients.wire import get_time
from services.gateway.models.auth import Account, JsonWebKeySet, Login, Register, Session, Tokens


class AuthClient:
    def __init__(self, peers: Peers) -> None:
        self._auth, self._ticket = peers.auth, peers.ticket

    async def register(self, wanted: Register) -> Session:
        request = pb.RegisterRequest(email=wanted.email, password=wanted.password, name=wanted.name, role=wanted.role)
        reply = await self._auth.call(self._auth.stub.Register, request)
        return Session(to_account(reply.account), _tokens(reply.tokens))

    async def login(self, wanted: Login, *, address: str) -> Session:
        request = pb.LoginRequest(email=wanted.email, password=wanted.password, client_address=address)
        reply = await self._auth.call(self._auth.stub.Login, request)
        return Session(to_account(reply.account), _tokens(reply.tokens))

    async def refresh(self, refresh_token: str) -> Tokens:
        reply = await self._auth.call(self._auth.stub.Refresh, pb.RefreshRequest(refresh_token=refresh_token))
        return _tokens(reply.tokens)

    async def logout(self, refresh_token: str) -> None:
        await self._auth.call(self._auth.stub.Revoke, pb.RevokeRequest(refresh_token=refresh_token))

    async def account(self, access_token: str) -> Account:
        request = pb.ValidateTokenRequest(access_token=access_token)
        return to_account((await self._auth.call(self._auth.stub.ValidateToken, request)).account)

    async def jwks(self) -> str:
        """The keys that verify access tokens."""
        return (await self._auth.call(self._auth.stub.GetJwks, pb.GetJwksRequest())).jwks_json

    async def all_keys(self, _: str = "") -> JsonWebKeySet:
        """The keys of access tokens and those of tickets, together."""
        tickets = await self._ticket.call(self._ticket.stub.GetTicketKeys, ticket.GetTicketKeysRequest())
        sets = (await self.jwks(), tickets.jwks_json)
        keys = [key for text in sets for key in msgspec.json.decode(text, type=JsonWebKeySet).keys]
        return JsonWebKeySet(keys)


def to_account(account: pb.Account) -> Account:
    return Account(account.user_id, account.email, account.name, list(account.roles))


def _tokens(tokens: pb.Tokens) -> Tokens:
    return Tokens(
        access_token=tokens.access_token,
        access_expires_at=get_time(tokens.access_expires_at),
        refresh_token=tokens.refresh_token,
        refresh_expires_at=get_time(tokens.refresh_expires_at),
    )
