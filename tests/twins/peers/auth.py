"""auth in memory, and the issuer of its tokens."""

from __future__ import annotations

import time
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protos.gen import auth_pb2 as auth
from protos.gen import auth_pb2_grpc
from services.kit.errors import Kind
from services.kit.ids import new_id
from services.kit.tokens import ALGORITHM, AUDIENCE, ISSUER
from tests.twins.peers.answers import refused

KEY_ID = "twin"


class Issuer:
    """Signs access tokens as auth does."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        row = jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.jwk: dict[str, Any] = row | {"kid": KEY_ID, "use": "sig", "alg": ALGORITHM}

    def token(self, user_id: str, *roles: str, lasts_s: float = 600.0) -> str:
        claims = {"sub": user_id, "roles": roles or ("buyer",), "iss": ISSUER, "aud": AUDIENCE}
        return jwt.encode(claims | {"exp": int(time.time() + lasts_s)}, self._key, ALGORITHM, headers={"kid": KEY_ID})


class AuthTwin(auth_pb2_grpc.AuthServiceServicer):
    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.accounts: dict[str, tuple[auth.Account, str]] = {}
        self.sessions: dict[str, auth.Account] = {}
        self.used: set[str] = set()

    async def Register(self, request: auth.RegisterRequest, context: Any) -> auth.RegisterResponse:
        if len(request.password) < 10:
            raise refused(Kind.INVALID, "weak-password")
        if request.email in self.accounts:
            raise refused(Kind.CONFLICT, "email-taken")
        roles = sorted({"buyer", request.role or "buyer"})
        account = auth.Account(user_id=new_id(), email=request.email, name=request.name, roles=roles)
        self.accounts[request.email] = (account, request.password)
        return auth.RegisterResponse(account=account, tokens=self._tokens(account))

    async def Login(self, request: auth.LoginRequest, context: Any) -> auth.LoginResponse:
        account, password = self.accounts.get(request.email, (None, ""))
        if account is None or password != request.password:
            raise refused(Kind.UNAUTHENTICATED, "wrong-credentials")
        return auth.LoginResponse(account=account, tokens=self._tokens(account))

    async def Refresh(self, request: auth.RefreshRequest, context: Any) -> auth.RefreshResponse:
        if request.refresh_token in self.used:
            raise refused(Kind.UNAUTHENTICATED, "token-reused")
        account = self.sessions.pop(request.refresh_token, None)
        if account is None:
            raise refused(Kind.UNAUTHENTICATED, "invalid-token")
        self.used.add(request.refresh_token)
        return auth.RefreshResponse(tokens=self._tokens(account))

    async def Revoke(self, request: auth.RevokeRequest, context: Any) -> auth.RevokeResponse:
        self.sessions.pop(request.refresh_token, None)
        return auth.RevokeResponse()

    async def ValidateToken(self, request: auth.ValidateTokenRequest, context: Any) -> auth.ValidateTokenResponse:
        subject = jwt.decode(request.access_token, options={"verify_signature": False})["sub"]
        for account, _ in self.accounts.values():
            if account.user_id == subject:
                return auth.ValidateTokenResponse(account=account)
        return auth.ValidateTokenResponse(
            account=auth.Account(user_id=subject, email=f"{subject}@example.com", name="Twin")
        )

    async def GetJwks(self, request: auth.GetJwksRequest, context: Any) -> auth.GetJwksResponse:
        return auth.GetJwksResponse(jwks_json=msgspec.json.encode({"keys": [self.issuer.jwk]}).decode())

    def _tokens(self, account: auth.Account) -> auth.Tokens:
        refresh = new_id()
        self.sessions[refresh] = account
        tokens = auth.Tokens(access_token=self.issuer.token(account.user_id, *account.roles), refresh_token=refresh)
        tokens.access_expires_at.FromSeconds(int(time.time() + 600))
        tokens.refresh_expires_at.FromSeconds(int(time.time() + 86_400))
        return tokens
