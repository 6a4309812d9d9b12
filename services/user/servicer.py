"""user.UserService: wire to our words and back."""

from __future__ import annotations

from typing import Any

import grpc

from protos.gen import user_pb2 as pb
from protos.gen import user_pb2_grpc
from services.user.domain import Address, Profile, ProfileChange
from services.user.handlers import UserHandlers

type Context = grpc.aio.ServicerContext[Any, Any]


class UserServicer(user_pb2_grpc.UserServiceServicer):
    def __init__(self, handlers: UserHandlers) -> None:
        self._handlers = handlers

    async def GetProfile(self, request: pb.GetProfileRequest, context: Context) -> pb.GetProfileResponse:
        return pb.GetProfileResponse(profile=_profile(await self._handlers.profile(request.user_id)))

    async def GetNames(self, request: pb.GetNamesRequest, context: Context) -> pb.GetNamesResponse:
        return pb.GetNamesResponse(names=await self._handlers.names(request.user_ids))

    async def CreateProfile(self, request: pb.CreateProfileRequest, context: Context) -> pb.CreateProfileResponse:
        profile = await self._handlers.create_profile(
            request.user_id, email=request.email, name=request.name, language=request.language
        )
        return pb.CreateProfileResponse(profile=_profile(profile))

    async def UpdateProfile(self, request: pb.UpdateProfileRequest, context: Context) -> pb.UpdateProfileResponse:
        set_fields = {name: getattr(request, name) for name in ("name", "phone", "language") if request.HasField(name)}
        profile = await self._handlers.update_profile(request.user_id, ProfileChange(**set_fields))
        return pb.UpdateProfileResponse(profile=_profile(profile))

    async def GetAddresses(self, request: pb.GetAddressesRequest, context: Context) -> pb.GetAddressesResponse:
        addresses = await self._handlers.addresses(request.user_id)
        return pb.GetAddressesResponse(addresses=map(_address, addresses))

    async def AddAddress(self, request: pb.AddAddressRequest, context: Context) -> pb.AddAddressResponse:
        added = await self._handlers.add_address(request.user_id, _address_from(request.address))
        return pb.AddAddressResponse(address=_address(added))

    async def UpdateAddress(self, request: pb.UpdateAddressRequest, context: Context) -> pb.UpdateAddressResponse:
        updated = await self._handlers.update_address(request.user_id, _address_from(request.address))
        return pb.UpdateAddressResponse(address=_address(updated))

    async def DeleteAddress(self, request: pb.DeleteAddressRequest, context: Context) -> pb.DeleteAddressResponse:
        await self._handlers.delete_address(request.user_id, request.address_id)
        return pb.DeleteAddressResponse()


def _profile(profile: Profile) -> pb.Profile:
    message = pb.Profile(
        user_id=profile.user_id,
        email=profile.email,
        name=profile.name,
        phone=profile.phone,
        language=profile.language,
    )
    message.created_at.FromDatetime(profile.created_at)
    message.updated_at.FromDatetime(profile.updated_at)
    return message


_ADDRESS_FIELDS = tuple(Address.__dataclass_fields__)


def _address(address: Address) -> pb.Address:
    return pb.Address(**{name: getattr(address, name) for name in _ADDRESS_FIELDS})


def _address_from(message: pb.Address) -> Address:
    return Address(**{name: getattr(message, name) for name in _ADDRESS_FIELDS})
