"""The public keys with which anybody can verify access tokens and the QR codes on tickets."""

from collections.abc import Sequence
from typing import Final

from services.gateway.cache import Coalescing
from services.gateway.edge.operation import Answer, AnyOperation, Auth, Call, Nothing, Operation
from services.gateway.models.auth import JsonWebKeySet

TAG: Final = "auth"
FRESH_S: Final = 30.0


class KeyRoutes:
    def __init__(self, keys: Coalescing[JsonWebKeySet]) -> None:
        self._keys = keys

    def operations(self) -> Sequence[AnyOperation]:
        return (
            Operation(
                method="GET",
                path="/.well-known/jwks.json",
                tag=TAG,
                summary="Keys that verify access tokens and tickets",
                run=self.get,
                body=Nothing,
                query=Nothing,
                answer=JsonWebKeySet,
                auth=Auth.NONE,
            ),
        )

    async def get(self, _: Call[None, None]) -> Answer:
        headers = {"Cache-Control": f"public, max-age={FRESH_S:.0f}"}
        return Answer(body=await self._keys.get(""), headers=headers)
