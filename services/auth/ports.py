"""What the handlers need of stores, of hashing and of signing."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from services.auth.domain import AccessToken, Account, RefreshToken, Registered, Session, SigningKey, Vouching
from services.kit.tokens import Identity


class Records(Protocol):
    """Everything that auth keeps, within one transaction."""

    async def add_accounts(self, accounts: Sequence[Account]) -> set[str]:
        """Keep those whose email nobody has, the first of two alike; the user ids of those kept."""

    async def find(self, user_id: str, *, lock: bool = False) -> Account | None:
        """The account; with `lock`, nobody else changes it before the transaction ends."""

    async def find_by_email(self, email: str) -> Account | None:
        """By the normalised email."""

    async def save_roles(self, account: Account) -> None:
        """Replace the account's roles."""

    async def replace_hash(self, user_id: str, *, old: str, new: str) -> None:
        """The same password hashed anew; does nothing when the password was changed meanwhile."""

    async def add_sessions(self, opened: Sequence[tuple[Session, RefreshToken]]) -> None:
        """New sessions with their first tokens."""

    async def hold_token(self, digest: bytes) -> tuple[RefreshToken, Session] | None:
        """A token and its session, both held: a second holder waits, and then sees what the first one did."""

    async def exchange(self, used: RefreshToken, successor: RefreshToken, *, at: datetime) -> None:
        """The held token is used up; its session goes on with the successor."""

    async def revoke(self, session_id: str, *, at: datetime) -> None:
        """End a session. Idempotent: the first time counts."""

    async def signing_keys(self, *, lock: bool = False) -> Sequence[SigningKey]:
        """All, oldest first; with `lock`, nobody else who asks so gets them before the transaction ends."""

    async def save_keys(self, keys: Sequence[SigningKey]) -> None:
        """Add them, or replace those of the same kid."""

    async def publish(self, facts: Sequence[Registered]) -> None:
        """Say so, in this order, if and only if the transaction commits."""

    async def forget_expired(self, *, before: datetime, limit: int) -> int:
        """Remove at most that many tokens, sessions and keys that ended before then; how many rows it was."""


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Records]:
        """Committed at the end of the block, undone by an exception in it."""


class Passwords(Protocol):
    """Slow hashing, done aside. Raises Overloaded when too many wait for it."""

    async def hash(self, password: str) -> str: ...

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether they belong together. None takes the same work, and is no."""

    def outdated(self, password_hash: str) -> bool:
        """It was made with other parameters than today's."""


class Throttle(Protocol):
    """Slows down guessing. `account` is an email whether anybody has it or not; `address` is where it comes from.

    An attempt counts against the account from its begin on: a hundred at once would else all begin before one fails.
    Against an address only failures count, for many people may share one.
    """

    async def begin(self, account: str, address: str) -> float:
        """0: go on. Else how many seconds to wait: then the attempt must not be made and does not count."""

    async def failed(self, address: str) -> None:
        """It was a wrong guess. An empty address is nobody's."""

    async def succeeded(self, account: str) -> None:
        """It was the owner: the account's earlier attempts are forgotten."""

    async def undone(self, account: str) -> None:
        """It was no guess after all: nobody looked at the password."""


type Signer = Callable[[Account, datetime], AccessToken]
type Voucher = Callable[[Identity, Vouching, datetime], str]


class AccessTokens(Protocol):
    async def signer(self) -> Signer:
        """What signs at this time; using it asks nobody. Raises NotNow while no key can be had."""

    async def voucher(self) -> Voucher:
        """The same, for our word about a person."""

    async def verify(self, token: str) -> Identity:
        """Whose it is. Refuses `invalid-token` and `token-expired`."""
