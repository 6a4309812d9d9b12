"""One method per RPC. Transactions begin here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

from services.auth import metrics
from services.auth.credentials import MAX_PASSWORD, InvalidEmail, checked_name, checked_password, is_text
from services.auth.credentials import normalised_email as normalised
from services.auth.domain import (
    AccessToken,
    Account,
    EmailTaken,
    InvalidRefreshToken,
    RefreshToken,
    Registered,
    Role,
    Session,
    SignedIn,
    TokenPair,
    TooManyLogins,
    UnknownUser,
    Vouching,
    WrongCredentials,
    digest_of,
    expiry,
    known_role,
    new_refresh_token,
    refusal_to_refresh,
    roles_at_signup,
)
from services.auth.ports import AccessTokens, Passwords, Records, Store, Throttle
from services.kit import tracing
from services.kit.batching import Batcher
from services.kit.clock import Clock
from services.kit.errors import Invalid, NotNow, Overloaded, Refusal, Told
from services.kit.ids import is_id, new_id
from services.kit.tokens import InvalidToken
from services.kit.topology import topology

# Rows of one statement; hashing brings fewer than this at a time.
MAX_REGISTRATIONS = 64
# Services that act for persons.
ACTING = frozenset(name for name, row in topology().services.items() if row.persons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a platform may decide for itself."""

    organisers_may_sign_up: bool
    refresh_lasts_s: float


@dataclass(frozen=True, slots=True)
class Registration:
    """An account about to be, with its first session."""

    account: Account
    session: Session
    token: RefreshToken
    traceparent: str


class AuthHandlers:
    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        throttle: Throttle,
        tokens: AccessTokens,
        now: Clock,
        *,
        policy: Policy,
        outbox_grew: Callable[[], None],
    ) -> None:
        self._store, self._passwords, self._throttle, self._tokens = store, passwords, throttle, tokens
        self._now, self._policy, self._outbox_grew = now, policy, outbox_grew
        self._keep = Batcher(self._keep_registrations, name="registrations", max_batch=MAX_REGISTRATIONS)

    async def register(self, *, email: str, password: str, name: str, role: str) -> SignedIn:
        with counted(metrics.REGISTRATIONS):
            roles = roles_at_signup(role, organisers_may=self._policy.organisers_may_sign_up)
            signer = await self._tokens.signer()
            account = await self._new_account(email, password, name, roles)
            session, token, pair = self._new_session(account, signer(account, account.created_at))
            await self._keep(Registration(account, session, token, tracing.traceparent()))
            return SignedIn(account, pair)

    async def login(self, *, email: str, password: str, address: str) -> SignedIn:
        with counted(metrics.LOGINS):
            email = _plausible(email, password)
            signer = await self._tokens.signer()
            if wait_s := await self._throttle.begin(email, address):
                raise TooManyLogins(retry_after_s=math.ceil(wait_s))
            account = await self._owner(email, password, address)
            session, token, pair = self._new_session(account, signer(account, self._now()))
            rehashed = await self._rehashed(account, password)
            async with self._store.transaction() as records:
                await records.add_sessions([(session, token)])
                if rehashed:
                    await records.replace_hash(account.user_id, old=account.password_hash, new=rehashed)
            return SignedIn(account, pair)

    async def refresh(self, refresh_token: str) -> TokenPair:
        with counted(metrics.REFRESHES):
            digest = digest_of(refresh_token)
            signer = await self._tokens.signer()
            async with self._store.transaction() as records:
                exchanged = await self._exchange(records, digest)
            # Refused only now: the session of a token used twice has to end for good.
            if isinstance(exchanged, Refusal):
                raise exchanged
            account, refresh_token, expires_at = exchanged
            access = signer(account, self._now())
            return TokenPair(access=access, refresh_token=refresh_token, refresh_expires_at=expires_at)

    async def revoke(self, refresh_token: str) -> None:
        with suppress(InvalidRefreshToken):
            digest = digest_of(refresh_token)
            async with self._store.transaction() as records:
                if held := await records.hold_token(digest):
                    await records.revoke(held[1].session_id, at=self._now())

    async def validate(self, access_token: str) -> tuple[Account, float]:
        """Whose it is, and when it expires (seconds since the epoch)."""
        identity = await self._tokens.verify(access_token)
        async with self._store.transaction() as records:
            account = await records.find(identity.user_id)
        if account is None:
            raise InvalidToken
        return account, identity.expires_at

    async def vouch_for(self, wanted: Sequence[Vouching]) -> Sequence[str | Told]:
        """Our word for each, or why there is none. Raises NotNow while no key can be had."""
        voucher = await self._tokens.voucher()

        async def word(one: Vouching) -> str | Told:
            try:
                if one.audience not in ACTING:
                    raise Invalid(f"audience: {one.audience!r} acts for nobody")
                return voucher(await self._tokens.verify(one.access_token), one, self._now())
            except Told as told:
                return told

        return [await word(one) for one in wanted]

    async def grant_role(self, user_id: str, role: str) -> Account:
        """Tokens given out before tell of it after their next refresh."""
        granted = known_role(role)
        async with self._store.transaction() as records:
            found = await records.find(user_id, lock=True) if is_id(user_id) else None
            if found is None:
                raise UnknownUser
            account = found.with_role(granted)
            await records.save_roles(account)
            return account

    async def ensure_admin(self, email: str, password: str) -> bool:
        """Whether that email is an administrator's now. Makes the account if there is none, and changes no other's:
        whoever registered with it first is not given the keys of the house.
        """
        async with self._store.transaction() as records:
            found = await records.find_by_email(normalised(email))
        if found is None:
            account = await self._new_account(email, password, "Administrator", (Role.BUYER, Role.ADMIN))
            async with self._store.transaction() as records:
                if await records.add_accounts([account]):
                    await records.publish([_registered(account, tracing.traceparent())])
                found = await records.find_by_email(account.email)
            self._outbox_grew()
        return found is not None and Role.ADMIN in found.roles

    async def _new_account(self, email: str, password: str, name: str, roles: tuple[Role, ...]) -> Account:
        email, name = normalised(email), checked_name(name)
        password_hash = await self._passwords.hash(checked_password(password, email=email))
        return Account(
            user_id=new_id(),
            email=email,
            name=name,
            password_hash=password_hash,
            roles=roles,
            created_at=self._now(),
        )

    def _new_session(self, account: Account, access: AccessToken) -> tuple[Session, RefreshToken, TokenPair]:
        now, session_id = self._now(), new_id()
        token, refresh_token = self._new_token(session_id, now)
        session = Session(session_id=session_id, user_id=account.user_id, created_at=now, expires_at=token.expires_at)
        return (
            session,
            token,
            TokenPair(access=access, refresh_token=refresh_token, refresh_expires_at=token.expires_at),
        )

    def _new_token(self, session_id: str, now: datetime) -> tuple[RefreshToken, str]:
        text = new_refresh_token()
        expires_at = expiry(now, self._policy.refresh_lasts_s)
        return RefreshToken(digest=digest_of(text), session_id=session_id, expires_at=expires_at), text

    async def _keep_registrations(self, registrations: Sequence[Registration]) -> Sequence[Exception | None]:
        async with self._store.transaction() as records:
            kept_ids = await records.add_accounts([one.account for one in registrations])
            kept = [one for one in registrations if one.account.user_id in kept_ids]
            await records.add_sessions([(one.session, one.token) for one in kept])
            await records.publish([_registered(one.account, one.traceparent) for one in kept])
        self._outbox_grew()
        return [None if one.account.user_id in kept_ids else EmailTaken() for one in registrations]

    async def _owner(self, email: str, password: str, address: str) -> Account:
        """The account that both belong to. The same work is done when there is no such account."""
        try:
            async with self._store.transaction() as records:
                account = await records.find_by_email(email)
            right = await self._passwords.matches(password, account.password_hash if account else None)
        except NotNow:
            await self._throttle.undone(email)
            raise
        if account is None or not right:
            await self._throttle.failed(address)
            raise WrongCredentials
        await self._throttle.succeeded(email)
        return account

    async def _rehashed(self, account: Account, password: str) -> str | None:
        """The hash to replace the account's by, if it was made with other parameters than today's."""
        if self._passwords.outdated(account.password_hash):
            with suppress(Overloaded):  # Another login will do.
                return await self._passwords.hash(password)
        return None

    async def _exchange(self, records: Records, digest: bytes) -> tuple[Account, str, datetime] | Refusal:
        """Use the token up for its successor, or say why not; a second use ends the session."""
        held = await records.hold_token(digest)
        if held is None:
            return InvalidRefreshToken()
        token, session = held
        now = self._now()
        if refusal := refusal_to_refresh(token, session, now=now):
            if token.used_at is not None:
                await records.revoke(session.session_id, at=now)
            return refusal
        account = await records.find(session.user_id)
        if account is None:
            return InvalidRefreshToken()
        successor, text = self._new_token(session.session_id, now)
        await records.exchange(token, successor, at=now)
        return account, text, successor.expires_at


@contextmanager
def counted(counter: Counter) -> Iterator[None]:
    """Count how it ended: `ok`, or the reason that the caller was told."""
    try:
        yield
    except Told as told:
        counter.labels(told.reason).inc()
        raise
    counter.labels("ok").inc()


def _plausible(email: str, password: str) -> str:
    """The normalised email, if anybody could have it and the password; what nobody could is not looked for."""
    if len(password) > MAX_PASSWORD or not is_text(password):
        raise WrongCredentials
    try:
        return normalised(email)
    except InvalidEmail as error:
        raise WrongCredentials from error


def _registered(account: Account, traceparent: str) -> Registered:
    return Registered(user_id=account.user_id, email=account.email, name=account.name, traceparent=traceparent)
