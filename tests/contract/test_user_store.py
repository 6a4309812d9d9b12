"""What a store of profiles promises, held to by the twin and by PostgreSQL alike."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from services.kit.database.engine import open_engine
from services.kit.ids import new_id
from services.user.domain import Address
from services.user.handlers import new_profile
from services.user.ports import Store
from services.user.repository import PostgresStore
from tests.conftest import Stores, database_settings
from tests.twins.user_store import MemoryUserStore

AT = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
async def store(real_stores: Stores | None) -> AsyncIterator[Store]:
    if real_stores is None:
        yield MemoryUserStore()
        return
    engine = open_engine(database_settings("user", real_stores))
    yield PostgresStore(engine)
    await engine.dispose()


@pytest.fixture
async def user_id(store: Store) -> str:
    user_id = new_id()
    async with store.transaction() as profiles:
        await profiles.add([new_profile(user_id, "ada@example.com", "Ada", "en", at=AT)])
    return user_id


def address(**changed: object) -> Address:
    fields = {
        "address_id": new_id(),
        "label": "home",
        "line1": "1 Main St",
        "line2": "",
        "city": "Ulm",
        "postal_code": "89073",
        "country": "DE",
        "is_default": False,
    }
    return Address(**(fields | changed))


async def test_the_first_profile_of_a_user_stays(store: Store, user_id: str) -> None:
    async with store.transaction() as profiles:
        await profiles.add([new_profile(user_id, "other@example.com", "Other", "de", at=AT)])
        found = await profiles.find(user_id, lock=True)

    assert found is not None
    assert found.name == "Ada"


async def test_names_are_of_those_who_have_a_profile(store: Store, user_id: str) -> None:
    async with store.transaction() as profiles:
        found = await profiles.names([user_id, new_id()])

    assert found == {user_id: "Ada"}


async def test_an_exception_undoes_the_transaction(store: Store) -> None:
    user_id = new_id()

    async def add_then_fail() -> None:
        async with store.transaction() as profiles:
            await profiles.add([new_profile(user_id, "ada@example.com", "Ada", "en", at=AT)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await add_then_fail()

    async with store.transaction() as profiles:
        assert await profiles.find(user_id) is None


async def test_addresses_come_oldest_first_and_one_is_the_default(store: Store, user_id: str) -> None:
    first, second = address(is_default=True), address(is_default=True)

    async with store.transaction() as profiles:
        await profiles.save_address(user_id, first)
        await profiles.save_address(user_id, second)

    async with store.transaction() as profiles:
        found = await profiles.addresses(user_id)
    assert [(one.address_id, one.is_default) for one in found] == [
        (first.address_id, False),
        (second.address_id, True),
    ]


async def test_removing_an_address_twice_is_removing_it_once(store: Store, user_id: str) -> None:
    added = address()
    async with store.transaction() as profiles:
        await profiles.save_address(user_id, added)

    for _ in range(2):
        async with store.transaction() as profiles:
            await profiles.remove_address(user_id, added.address_id)

    async with store.transaction() as profiles:
        assert await profiles.addresses(user_id) == []


async def test_a_fact_is_new_once(store: Store) -> None:
    fact_id = new_id()

    async with store.transaction() as profiles:
        assert await profiles.first_time([fact_id]) == {fact_id}

    async with store.transaction() as profiles:
        assert await profiles.first_time([fact_id]) == set()
