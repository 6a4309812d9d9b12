"""One method per RPC and per fact. Transactions begin here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.kit.clock import Clock
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.user.domain import (
    MAX_ADDRESSES,
    Address,
    Profile,
    ProfileChange,
    TooManyAddresses,
    UnknownAddress,
    UnknownUser,
)
from services.user.ports import Profiles, Store

MOST_NAMES: Final = 100


class UserHandlers:
    def __init__(self, store: Store, now: Clock) -> None:
        self._store, self._now = store, now

    async def profile(self, user_id: str) -> Profile:
        async with self._store.transaction() as profiles:
            return await _known(profiles, user_id)

    async def names(self, user_ids: Collection[str]) -> Mapping[str, str]:
        """What those people are called; who has no profile is left out. Refuses more than can be asked for at once."""
        if not 1 <= len(user_ids) <= MOST_NAMES:
            raise Invalid(f"user_ids: must be 1 to {MOST_NAMES}")
        async with self._store.transaction() as profiles:
            return await profiles.names(user_ids)

    async def create_profile(self, user_id: str, *, email: str, name: str, language: str) -> Profile:
        async with self._store.transaction() as profiles:
            await profiles.add([new_profile(user_id, email, name, language, at=self._now())])
            return await _known(profiles, user_id)

    async def users_registered(self, registered: Mapping[str, Profile]) -> None:
        """Facts of topic `users`, by fact id: everybody who registered has a profile."""
        async with self._store.transaction() as profiles:
            fresh = await profiles.first_time(registered.keys())
            await profiles.add([registered[fact_id] for fact_id in registered if fact_id in fresh])

    async def update_profile(self, user_id: str, change: ProfileChange) -> Profile:
        change.checked()
        async with self._store.transaction() as profiles:
            profile = (await _known(profiles, user_id, lock=True)).changed(change, at=self._now())
            await profiles.save(profile)
            return profile

    async def addresses(self, user_id: str) -> Sequence[Address]:
        async with self._store.transaction() as profiles:
            await _known(profiles, user_id)
            return await profiles.addresses(user_id)

    async def add_address(self, user_id: str, address: Address) -> Address:
        added = replace(address.checked(), address_id=new_id())
        async with self._store.transaction() as profiles:
            await _known(profiles, user_id, lock=True)
            if len(await profiles.addresses(user_id)) >= MAX_ADDRESSES:
                raise TooManyAddresses
            await profiles.save_address(user_id, added)
            return added

    async def update_address(self, user_id: str, address: Address) -> Address:
        address.checked()
        async with self._store.transaction() as profiles:
            await _known(profiles, user_id, lock=True)
            if address.address_id not in {known.address_id for known in await profiles.addresses(user_id)}:
                raise UnknownAddress
            await profiles.save_address(user_id, address)
            return address

    async def delete_address(self, user_id: str, address_id: str) -> None:
        async with self._store.transaction() as profiles:
            await profiles.remove_address(user_id, address_id)


def new_profile(user_id: str, email: str, name: str, language: str, *, at: datetime) -> Profile:
    return Profile(user_id=user_id, email=email, name=name, language=language or "en", created_at=at, updated_at=at)


async def _known(profiles: Profiles, user_id: str, *, lock: bool = False) -> Profile:
    if profile := await profiles.find(user_id, lock=lock):
        return profile
    raise UnknownUser
