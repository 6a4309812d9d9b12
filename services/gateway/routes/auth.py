"""Accounts and sessions."""

from collections.abc import Sequence
from typing import Final

from services.gateway.clients.auth import AuthClient
from services.gateway.edge.operation import Answer, AnyOperation, Auth, Call, Nothing, Operation
from services.gateway.models.auth import Login, Logout, Refresh, Refreshed, Register, Session

TAG: Final = "auth"


class AuthRoutes:
    def __init__(self, auth: AuthClient) -> None:
        self._auth = auth

    def operations(self) -> Sequence[AnyOperation]:
        return (
            Operation(
                method="POST",
                path="/api/v1/auth/register",
                tag=TAG,
                summary="Open an account and a session",
                run=self.register,
                body=Register,
                query=Nothing,
                answer=Session,
                status=201,
                auth=Auth.NONE,
                errors=("email-taken", "invalid-email", "weak-password", "organiser-signup-closed"),
                example={"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"},
            ),
            Operation(
                method="POST",
                path="/api/v1/auth/login",
                tag=TAG,
                summary="Open a session",
                description="An unknown account and a wrong password are answered alike.",
                run=self.login,
                body=Login,
                query=Nothing,
                answer=Session,
                auth=Auth.NONE,
                errors=("wrong-credentials", "too-many-attempts"),
                example={"email": "ada@example.com", "password": "correct horse battery"},
            ),
            Operation(
                method="POST",
                path="/api/v1/auth/refresh",
                tag=TAG,
                summary="Change a refresh token for a new pair",
                description="A refresh token works once. Used twice, it ends the session for whoever holds it.",
                run=self.refresh,
                body=Refresh,
                query=Nothing,
                answer=Refreshed,
                auth=Auth.NONE,
                errors=("invalid-token", "token-expired", "token-reused"),
            ),
            Operation(
                method="POST",
                path="/api/v1/auth/logout",
                tag=TAG,
                summary="End a session",
                description="An access token that is still out works until it expires, a few minutes at most.",
                run=self.logout,
                body=Logout,
                query=Nothing,
                answer=None,
                status=204,
                auth=Auth.NONE,
            ),
        )

    async def register(self, call: Call[Register, None]) -> Answer:
        return Answer(body=await self._auth.register(call.body))

    async def login(self, call: Call[Login, None]) -> Answer:
        return Answer(body=await self._auth.login(call.body, address=call.address))

    async def refresh(self, call: Call[Refresh, None]) -> Answer:
        return Answer(body=Refreshed(await self._auth.refresh(call.body.refresh_token)))

    async def logout(self, call: Call[Logout, None]) -> Answer:
        await self._auth.logout(call.body.refresh_token)
        return Answer()
