"""user in memory."""

from __future__ import annotations

from typing import Any

from protos.gen import user_pb2 as user
from protos.gen import user_pb2_grpc
from services.kit.errors import Kind
from services.kit.ids import new_id
from tests.twins.peers.answers import refused


class UserTwin(user_pb2_grpc.UserServiceServicer):
    def __init__(self) -> None:
        self.profiles: dict[str, user.Profile] = {}
        self.homes: dict[str, dict[str, user.Address]] = {}

    async def GetProfile(self, request: user.GetProfileRequest, context: Any) -> user.GetProfileResponse:
        return user.GetProfileResponse(profile=self._known(request.user_id))

    async def GetNames(self, request: user.GetNamesRequest, context: Any) -> user.GetNamesResponse:
        known = {one: self.profiles[one].name for one in request.user_ids if one in self.profiles}
        return user.GetNamesResponse(names=known)

    async def CreateProfile(self, request: user.CreateProfileRequest, context: Any) -> user.CreateProfileResponse:
        profile = user.Profile(user_id=request.user_id, email=request.email, name=request.name, language="en")
        profile.created_at.GetCurrentTime()
        profile.updated_at.GetCurrentTime()
        return user.CreateProfileResponse(profile=self.profiles.setdefault(request.user_id, profile))

    async def UpdateProfile(self, request: user.UpdateProfileRequest, context: Any) -> user.UpdateProfileResponse:
        profile = self._known(request.user_id)
        for name in ("name", "phone", "language"):
            if request.HasField(name):
                setattr(profile, name, getattr(request, name))
        return user.UpdateProfileResponse(profile=profile)

    async def GetAddresses(self, request: user.GetAddressesRequest, context: Any) -> user.GetAddressesResponse:
        self._known(request.user_id)
        return user.GetAddressesResponse(addresses=self.homes.get(request.user_id, {}).values())

    async def AddAddress(self, request: user.AddAddressRequest, context: Any) -> user.AddAddressResponse:
        self._known(request.user_id)
        mine = self.homes.setdefault(request.user_id, {})
        if len(mine) >= 20:
            raise refused(Kind.CONFLICT, "too-many-addresses")
        added = user.Address()
        added.CopyFrom(request.address)
        added.address_id = new_id()
        mine[added.address_id] = added
        return user.AddAddressResponse(address=added)

    async def UpdateAddress(self, request: user.UpdateAddressRequest, context: Any) -> user.UpdateAddressResponse:
        mine = self.homes.get(request.user_id, {})
        if request.address.address_id not in mine:
            raise refused(Kind.MISSING, "unknown-address")
        mine[request.address.address_id] = request.address
        return user.UpdateAddressResponse(address=request.address)

    async def DeleteAddress(self, request: user.DeleteAddressRequest, context: Any) -> user.DeleteAddressResponse:
        self.homes.get(request.user_id, {}).pop(request.address_id, None)
        return user.DeleteAddressResponse()

    def _known(self, user_id: str) -> user.Profile:
        if user_id not in self.profiles:
            raise refused(Kind.MISSING, "unknown-user")
        return self.profiles[user_id]
