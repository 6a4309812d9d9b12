"""The caller's own profile and addresses."""

from collections.abc import Sequence
from typing import Final

from services.gateway.clients.users import UserClient
from services.gateway.edge.operation import Answer, AnyOperation, Call, Header, Nothing, Operation
from services.gateway.models.users import Address, AddressDraft, Addresses, ChangeMe, Me

TAG: Final = "users"
_ME: Final = "/api/v1/users/me"


class UserRoutes:
    def __init__(self, users: UserClient) -> None:
        self._users = users

    def operations(self) -> Sequence[AnyOperation]:
        return (
            Operation(
                method="GET",
                path=_ME,
                tag=TAG,
                summary="Your profile",
                run=self.me,
                body=Nothing,
                query=Nothing,
                answer=Me,
                errors=("unknown-user",),
            ),
            Operation(
                method="PATCH",
                path=_ME,
                tag=TAG,
                summary="Change your profile",
                run=self.change_me,
                body=ChangeMe,
                query=Nothing,
                answer=Me,
                errors=("unknown-user",),
                example={"name": "Ada L.", "language": "de"},
            ),
            Operation(
                method="GET",
                path=f"{_ME}/addresses",
                tag=TAG,
                summary="Your addresses",
                run=self.addresses,
                body=Nothing,
                query=Nothing,
                answer=Addresses,
                errors=("unknown-user",),
            ),
            Operation(
                method="POST",
                path=f"{_ME}/addresses",
                tag=TAG,
                summary="Add an address",
                run=self.add_address,
                body=AddressDraft,
                query=Nothing,
                answer=Address,
                status=201,
                errors=("too-many-addresses", "unknown-user"),
                answer_headers=(Header(name="Location", description="Where it is now."),),
                example={"line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"},
            ),
            Operation(
                method="PUT",
                path=f"{_ME}/addresses/{{id}}",
                tag=TAG,
                summary="Replace an address",
                run=self.update_address,
                body=AddressDraft,
                query=Nothing,
                answer=Address,
                missing="unknown-address",
                errors=("unknown-user",),
            ),
            Operation(
                method="DELETE",
                path=f"{_ME}/addresses/{{id}}",
                tag=TAG,
                summary="Delete an address",
                description="Deleting one that is gone already succeeds.",
                run=self.delete_address,
                body=Nothing,
                query=Nothing,
                answer=None,
                status=204,
                missing="unknown-address",
                errors=("unknown-user",),
            ),
        )

    async def me(self, call: Call[None, None]) -> Answer:
        return Answer(body=await self._users.me(call.identity, call.token))

    async def change_me(self, call: Call[ChangeMe, None]) -> Answer:
        return Answer(body=await self._users.change_me(call.identity, call.token, call.body))

    async def addresses(self, call: Call[None, None]) -> Answer:
        return Answer(body=Addresses(await self._users.addresses(call.identity, call.token)))

    async def add_address(self, call: Call[AddressDraft, None]) -> Answer:
        added = await self._users.add_address(call.identity, call.token, call.body)
        return Answer(body=added, headers={"Location": f"{_ME}/addresses/{added.id}"})

    async def update_address(self, call: Call[AddressDraft, None]) -> Answer:
        return Answer(body=await self._users.update_address(call.identity, call.ids["id"], call.body))

    async def delete_address(self, call: Call[None, None]) -> Answer:
        await self._users.delete_address(call.identity, call.ids["id"])
        return Answer()
