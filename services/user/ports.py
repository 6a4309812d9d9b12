"""What the handlers need of a store."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.user.domain import Address, Profile


class Profiles(Protocol):
    """Profiles and addresses within one transaction."""

    async def find(self, user_id: str, *, lock: bool = False) -> Profile | None:
        """The profile; with `lock`, nobody else changes it or its addresses before the transaction ends."""

    async def names(self, user_ids: Collection[str]) -> Mapping[str, str]:
        """By user id, of those that have a profile."""

    async def add(self, profiles: Sequence[Profile]) -> None:
        """Keep each, unless its user has a profile already: then that one stays as it is."""

    async def save(self, profile: Profile) -> None:
        """Replace the profile of that user."""

    async def addresses(self, user_id: str) -> Sequence[Address]:
        """Oldest first."""

    async def save_address(self, user_id: str, address: Address) -> None:
        """Add or replace it; if it is the default, no other address of the user is any more."""

    async def remove_address(self, user_id: str, address_id: str) -> None:
        """Idempotent."""

    async def first_time(self, fact_ids: Collection[str]) -> set[str]:
        """Those facts that were not handled before (the inbox)."""


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Profiles]:
        """Committed at the end of the block, undone by an exception in it."""
