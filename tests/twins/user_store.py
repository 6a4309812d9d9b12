"""Profiles in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace

from services.user.domain import Address, Profile


class MemoryUserStore:
    def __init__(self) -> None:
        self.state = MemoryProfiles()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryProfiles]:
        before = deepcopy(self.state)
        try:
            yield self.state
        except BaseException:
            self.state = before
            raise


class MemoryProfiles:
    def __init__(self) -> None:
        self._profiles: dict[str, Profile] = {}
        self._addresses: dict[str, dict[str, Address]] = {}
        self._handled: set[str] = set()

    async def find(self, user_id: str, *, lock: bool = False) -> Profile | None:
        return self._profiles.get(user_id)

    async def names(self, user_ids: Collection[str]) -> Mapping[str, str]:
        return {one: self._profiles[one].name for one in user_ids if one in self._profiles}

    async def add(self, profiles: Sequence[Profile]) -> None:
        for profile in profiles:
            self._profiles.setdefault(profile.user_id, profile)

    async def save(self, profile: Profile) -> None:
        self._profiles[profile.user_id] = profile

    async def addresses(self, user_id: str) -> Sequence[Address]:
        return [address for _, address in sorted(self._addresses.get(user_id, {}).items())]

    async def save_address(self, user_id: str, address: Address) -> None:
        mine = self._addresses.setdefault(user_id, {})
        if address.is_default:
            mine |= {key: replace(other, is_default=False) for key, other in mine.items()}
        mine[address.address_id] = address

    async def remove_address(self, user_id: str, address_id: str) -> None:
        self._addresses.get(user_id, {}).pop(address_id, None)

    async def first_time(self, fact_ids: Collection[str]) -> set[str]:
        fresh = set(fact_ids) - self._handled
        self._handled |= fresh
        return fresh
