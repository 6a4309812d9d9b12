"""user: profiles and addresses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from msgspec import UNSET, structs

from protos.gen import user_pb2 as pb
from services.gateway.clients.auth import AuthClient
from services.gateway.clients.peers import Peers
from services.gateway.clients.wire import get_time
from services.gateway.models.users import Address, AddressDraft, ChangeMe, Me
from services.kit.errors import PeerRefused
from services.kit.tokens import Identity


class UserClient:
    """Whoever has just registered may ask before the fact of it has reached user; then the profile is made here."""

    def __init__(self, peers: Peers, auth: AuthClient) -> None:
        self._user, self._auth = peers.user, auth

    async def me(self, who: Identity, token: str) -> Me:
        request = pb.GetProfileRequest(user_id=who.user_id)
        reply = await self._known(token, lambda: self._user.call(self._user.stub.GetProfile, request))
        return _me(reply.profile, who.roles)

    async def change_me(self, who: Identity, token: str, change: ChangeMe) -> Me:
        fields = {name: value for name, value in structs.asdict(change).items() if value is not UNSET}
        request = pb.UpdateProfileRequest(user_id=who.user_id, **fields)
        reply = await self._known(token, lambda: self._user.call(self._user.stub.UpdateProfile, request))
        return _me(reply.profile, who.roles)

    async def addresses(self, who: Identity, token: str) -> list[Address]:
        request = pb.GetAddressesRequest(user_id=who.user_id)
        reply = await self._known(token, lambda: self._user.call(self._user.stub.GetAddresses, request))
        return [_address(address) for address in reply.addresses]

    async def add_address(self, who: Identity, token: str, draft: AddressDraft) -> Address:
        request = pb.AddAddressRequest(user_id=who.user_id, address=_draft(draft))
        reply = await self._known(token, lambda: self._user.call(self._user.stub.AddAddress, request))
        return _address(reply.address)

    async def update_address(self, who: Identity, address_id: str, draft: AddressDraft) -> Address:
        request = pb.UpdateAddressRequest(user_id=who.user_id, address=_draft(draft, address_id))
        return _address((await self._user.call(self._user.stub.UpdateAddress, request)).address)

    async def delete_address(self, who: Identity, address_id: str) -> None:
        request = pb.DeleteAddressRequest(user_id=who.user_id, address_id=address_id)
        await self._user.call(self._user.stub.DeleteAddress, request)

    async def _known[Reply](self, token: str, call: Callable[[], Awaitable[Reply]]) -> Reply:
        try:
            return await call()
        except PeerRefused as refused:
            if refused.reason != "unknown-user":
                raise
        account = await self._auth.account(token)
        profile = pb.CreateProfileRequest(user_id=account.id, email=account.email, name=account.name)
        await self._user.call(self._user.stub.CreateProfile, profile)
        return await call()


def _me(profile: pb.Profile, roles: Collection[str]) -> Me:
    return Me(
        id=profile.user_id,
        email=profile.email,
        name=profile.name,
        phone=profile.phone,
        language=profile.language,
        roles=sorted(roles),
        created_at=get_time(profile.created_at),
        updated_at=get_time(profile.updated_at),
    )


def _address(address: pb.Address) -> Address:
    return Address(
        id=address.address_id,
        label=address.label,
        line1=address.line1,
        line2=address.line2,
        city=address.city,
        postal_code=address.postal_code,
        country=address.country,
        is_default=address.is_default,
    )


def _draft(draft: AddressDraft, address_id: str = "") -> pb.Address:
    return pb.Address(address_id=address_id, **structs.asdict(draft))
