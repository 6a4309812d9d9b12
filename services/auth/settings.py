"""All that the auth process may be told from outside."""

from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator

from services.auth.credentials import checked_password, normalised_email
from services.kit.errors import Refusal
from services.kit.settings import KafkaSettings, PostgresSettings, RedisSettings, ServiceSettings


class AuthSettings(ServiceSettings, PostgresSettings, KafkaSettings, RedisSettings):
    service: ClassVar[str] = "auth"

    # Keeps the private signing keys unreadable in the database; the same for all replicas. After a change of it, call
    # RotateKeys: the old keys still verify, but can not sign any more.
    auth_key_secret: SecretStr = Field(min_length=16)
    # An administrator that exists from the start; both or neither. The account is made once and never changed by this.
    auth_admin_email: str = ""
    auth_admin_password: SecretStr = SecretStr("")
    # Whether organisers sign up by themselves, or an administrator grants the role.
    organiser_signup: Literal["open", "closed"] = "open"

    access_token_lasts_s: int = Field(default=600, ge=30, le=3600)
    refresh_token_lasts_s: int = Field(default=30 * 86_400, ge=60, le=400 * 86_400)
    # A new signing key is published this long before it signs. Verifiers read the keys again at most every 5 s
    # (services/kit/tokens.py): with less than that, tokens of the first seconds may be refused.
    auth_key_lead_s: float = Field(default=6.0, ge=0, le=600)

    # Argon2id as OWASP's minimum has it: 19 MiB, two passes, one lane. Some 20 ms.
    argon2_memory_kib: int = Field(default=19_456, ge=8, le=1_048_576)
    argon2_time_cost: int = Field(default=2, ge=1, le=20)
    argon2_parallelism: int = Field(default=1, ge=1, le=8)
    password_threads: int = Field(default=2, ge=1, le=64)
    # More than this are told to come back: they would wait longer than their callers do.
    password_waiting: int = Field(default=128, ge=0, le=10_000)

    # Attempts for one account before each next one has to wait, twice as long every time.
    login_free_attempts: int = Field(default=5, ge=1, le=1000)
    login_first_delay_s: float = Field(default=10.0, gt=0, le=900)
    login_longest_delay_s: float = Field(default=900.0, gt=0, le=86_400)
    # Failures older than this are forgotten.
    login_window_s: float = Field(default=900.0, gt=0, le=86_400)
    # Failures from one client address within the window; 0: no limit.
    login_address_failures: int = Field(default=100, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _admin_is_whole(self) -> Self:
        password = self.auth_admin_password.get_secret_value()
        if bool(self.auth_admin_email) != bool(password):
            raise ValueError("AUTH_ADMIN_EMAIL and AUTH_ADMIN_PASSWORD: both or neither")
        if self.auth_admin_email:
            try:
                checked_password(password, email=normalised_email(self.auth_admin_email))
            except Refusal as refusal:
                raise ValueError(f"the administrator's {refusal}") from refusal
        return self
