"""Handlers over twins, with a clock that goes when told to."""

import pytest

from services.auth.handlers import AuthHandlers, Policy
from services.auth.keyring import KeyRing
from services.auth.signing import KeySmith
from tests.twins.auth_clock import VirtualClock
from tests.twins.auth_passwords import MemoryPasswords
from tests.twins.auth_store import MemoryAuthStore
from tests.twins.auth_throttle import LIMITS, MemoryThrottle

ACCESS_LASTS_S = 600
REFRESH_LASTS_S = 30 * 86_400


class Auth:
    """The handlers and everything around them."""

    def __init__(self, *, organisers_may_sign_up: bool = True) -> None:
        self.clock = VirtualClock()
        self.store = MemoryAuthStore()
        self.passwords = MemoryPasswords()
        self.throttle = MemoryThrottle(LIMITS, self.clock)
        self.keys = self.key_ring()
        self.outbox_grew = 0
        self.handlers = AuthHandlers(
            self.store,
            self.passwords,
            self.throttle,
            self.keys,
            self.clock,
            policy=Policy(organisers_may_sign_up=organisers_may_sign_up, refresh_lasts_s=REFRESH_LASTS_S),
            outbox_grew=self._grow,
        )

    def key_ring(self, secret: bytes = b"s" * 32) -> KeyRing:
        """One of several replicas over the same store."""
        smith = KeySmith(secret, access_lasts_s=ACCESS_LASTS_S)
        return KeyRing(self.store, smith, self.clock, access_lasts_s=ACCESS_LASTS_S, lead_s=6)

    def _grow(self) -> None:
        self.outbox_grew += 1

    async def register(self, **changed: str):
        fields = {"email": "ada@example.com", "password": "a long enough one", "name": "Ada", "role": ""}
        return await self.handlers.register(**(fields | changed))

    async def login(self, **changed: str):
        fields = {"email": "ada@example.com", "password": "a long enough one", "address": "192.0.2.1"}
        return await self.handlers.login(**(fields | changed))


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def closed() -> Auth:
    """Where organisers can not sign up."""
    return Auth(organisers_may_sign_up=False)
