"""What a store of accounts, sessions and keys promises, held to by the twin and by PostgreSQL alike."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from services.auth.domain import Account, RefreshToken, Registered, Role, Session, SigningKey
from services.auth.ports import Store
from services.auth.repository import PostgresStore
from services.auth.tables import SIGNING_KEYS
from services.kit.database.engine import open_engine
from services.kit.ids import new_id
from tests.conftest import Stores, database_settings
from tests.twins.auth_store import MemoryAuthStore

AT = datetime(2030, 1, 1, tzinfo=UTC)
# Longer ago than anything of another suite over the same database.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def store(real_stores: Stores | None) -> AsyncIterator[Store]:
    if real_stores is None:
        yield MemoryAuthStore()
        return
    engine = open_engine(database_settings("auth", real_stores))
    yield PostgresStore(engine)
    async with engine.begin() as tx:
        # Whatever else uses this database would sign with them.
        await tx.execute(delete(SIGNING_KEYS).where(SIGNING_KEYS.c.sealed_private_key == b"sealed"))
    await engine.dispose()


def new_account(**changed: object) -> Account:
    user_id = new_id()
    fields = {
        "user_id": user_id,
        "email": f"{user_id}@example.com",
        "name": "Ada",
        "password_hash": "a hash",
        "roles": (Role.BUYER,),
        "created_at": AT,
    }
    return Account(**(fields | changed))


def new_session(account: Account, *, expires_at: datetime = AT + DAY) -> tuple[Session, RefreshToken]:
    session = Session(session_id=new_id(), user_id=account.user_id, created_at=AT, expires_at=expires_at)
    return session, new_token(session, expires_at=expires_at)


def new_token(session: Session, *, expires_at: datetime = AT + DAY) -> RefreshToken:
    return RefreshToken(digest=secrets.token_bytes(32), session_id=session.session_id, expires_at=expires_at)


def new_key(**changed: object) -> SigningKey:
    fields = {
        "kid": new_id(),
        "public_key": b"public",
        "sealed_private_key": b"sealed",
        "created_at": AT,
        "signs_from": AT,
    }
    return SigningKey(**(fields | changed))


@pytest.fixture
async def account(store: Store) -> Account:
    account = new_account()
    async with store.transaction() as records:
        await records.add_accounts([account])
    return account


@pytest.fixture
async def opened(store: Store, account: Account) -> tuple[Session, RefreshToken]:
    opened = new_session(account)
    async with store.transaction() as records:
        await records.add_sessions([opened])
    return opened


async def test_an_account_is_found_by_id_and_by_email(store: Store, account: Account) -> None:
    async with store.transaction() as records:
        assert await records.find(account.user_id) == account
        assert await records.find(account.user_id, lock=True) == account
        assert await records.find_by_email(account.email) == account
        assert await records.find(new_id()) is None
        assert await records.find_by_email("nobody@example.com") is None


async def test_the_first_of_one_email_is_kept(store: Store, account: Account) -> None:
    second, fresh = new_account(email=account.email), new_account()
    alike = new_account(email=fresh.email)

    async with store.transaction() as records:
        kept = await records.add_accounts([second, fresh, alike])

    assert kept == {fresh.user_id}


async def test_of_two_transactions_with_one_email_one_keeps_it(store: Store) -> None:
    rivals = [new_account(email=f"{new_id()}@example.com")]
    rivals += [replace(rivals[0], user_id=new_id()) for _ in range(9)]

    async def add(rival: Account) -> set[str]:
        async with store.transaction() as records:
            return await records.add_accounts([rival])

    kept = await asyncio.gather(*(add(rival) for rival in rivals))

    assert sum(len(one) for one in kept) == 1


async def test_an_exception_undoes_the_transaction(store: Store) -> None:
    account = new_account()

    async def add_then_fail() -> None:
        async with store.transaction() as records:
            await records.add_accounts([account])
            await records.publish([Registered(user_id=account.user_id, email=account.email, name="Ada")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await add_then_fail()

    async with store.transaction() as records:
        assert await records.find(account.user_id) is None


async def test_roles_are_saved(store: Store, account: Account) -> None:
    changed = account.with_role(Role.ORGANISER)

    async with store.transaction() as records:
        await records.save_roles(changed)

    async with store.transaction() as records:
        assert await records.find(account.user_id) == changed


async def test_a_hash_is_replaced_unless_it_changed_meanwhile(store: Store, account: Account) -> None:
    async with store.transaction() as records:
        await records.replace_hash(account.user_id, old="a hash", new="a newer hash")
        await records.replace_hash(account.user_id, old="a hash", new="too late")

    async with store.transaction() as records:
        found = await records.find(account.user_id)
    assert found is not None
    assert found.password_hash == "a newer hash"


async def test_a_token_is_held_with_its_session(store: Store, opened: tuple[Session, RefreshToken]) -> None:
    session, token = opened

    async with store.transaction() as records:
        assert await records.hold_token(token.digest) == (token, session)
        assert await records.hold_token(b"another") is None


async def test_a_token_is_exchanged_for_its_successor(store: Store, opened: tuple[Session, RefreshToken]) -> None:
    session, token = opened
    successor = new_token(session, expires_at=AT + 2 * DAY)

    async with store.transaction() as records:
        await records.exchange(token, successor, at=AT)

    async with store.transaction() as records:
        going_on = replace(session, expires_at=AT + 2 * DAY)
        assert await records.hold_token(token.digest) == (replace(token, used_at=AT), going_on)
        assert await records.hold_token(successor.digest) == (successor, going_on)


async def test_a_session_is_revoked_the_first_time(store: Store, opened: tuple[Session, RefreshToken]) -> None:
    session, token = opened

    for at in (AT, AT + DAY):
        async with store.transaction() as records:
            await records.revoke(session.session_id, at=at)

    async with store.transaction() as records:
        assert await records.hold_token(token.digest) == (token, replace(session, revoked_at=AT))


async def test_of_many_holders_at_once_one_finds_the_token_unused(
    store: Store, opened: tuple[Session, RefreshToken]
) -> None:
    session, token = opened

    async def use() -> bool:
        async with store.transaction() as records:
            held = await records.hold_token(token.digest)
            assert held is not None
            if held[0].used_at is not None:
                await records.revoke(session.session_id, at=AT)
                return False
            await records.exchange(held[0], new_token(session), at=AT)
            return True

    used = await asyncio.gather(*(use() for _ in range(10)))

    assert sum(used) == 1


async def test_a_waiter_sees_that_the_session_was_revoked(store: Store, opened: tuple[Session, RefreshToken]) -> None:
    session, token = opened

    async def revoked_when_held() -> bool:
        async with store.transaction() as records:
            held = await records.hold_token(token.digest)
            assert held is not None
            await records.revoke(session.session_id, at=AT)
            return held[1].revoked_at is not None

    seen = await asyncio.gather(*(revoked_when_held() for _ in range(5)))

    assert sorted(seen) == [False, True, True, True, True]


async def test_keys_come_oldest_first_and_are_replaced_by_kid(store: Store) -> None:
    first, second = new_key(), new_key()
    async with store.transaction() as records:
        await records.save_keys([second, first])

    async with store.transaction() as records:
        await records.save_keys([replace(first, retires_at=AT)])

    async with store.transaction() as records:
        found = [key for key in await records.signing_keys() if key.kid in {first.kid, second.kid}]
    assert found == [replace(first, retires_at=AT), second]


async def test_who_asks_for_the_keys_with_a_lock_stands_in_line(store: Store) -> None:
    mark = new_id().encode()

    async def make_if_none() -> None:
        async with store.transaction() as records:
            if not any(key.public_key == mark for key in await records.signing_keys(lock=True)):
                await records.save_keys([new_key(public_key=mark)])

    await asyncio.gather(*(make_if_none() for _ in range(8)))

    async with store.transaction() as records:
        assert len([key for key in await records.signing_keys() if key.public_key == mark]) == 1


async def test_what_has_ended_is_forgotten_some_rows_at_a_time(store: Store, account: Account) -> None:
    old = [new_session(account, expires_at=LONG_AGO) for _ in range(3)]
    young = new_session(account)
    stale = RefreshToken(digest=secrets.token_bytes(32), session_id=young[0].session_id, expires_at=LONG_AGO)
    ended_key, key = new_key(retires_at=LONG_AGO), new_key()
    async with store.transaction() as records:
        await records.add_sessions([*old, young])
        await records.exchange(replace(young[1]), stale, at=AT)
        await records.exchange(stale, young_successor := new_token(young[0]), at=AT)
        await records.save_keys([ended_key, key])

    rounds = 0
    forgotten = 1
    while forgotten:
        async with store.transaction() as records:
            forgotten = await records.forget_expired(before=LONG_AGO + DAY, limit=2)
        rounds += 1

    assert rounds > 2
    async with store.transaction() as records:
        assert await records.hold_token(stale.digest) is None
        assert all([await records.hold_token(token.digest) is None for _, token in old])
        assert await records.hold_token(young_successor.digest) is not None
        assert ended_key.kid not in {one.kid for one in await records.signing_keys()}
        assert key.kid in {one.kid for one in await records.signing_keys()}
