"""All that the ticket process may be told from outside."""

import base64
import binascii
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from services.kit.settings import KafkaSettings, PostgresSettings, ServiceSettings


class TicketSettings(ServiceSettings, PostgresSettings, KafkaSettings):
    service: ClassVar[str] = "ticket"

    # How long a hold lives that nobody pays.
    hold_seconds: int = Field(default=480, ge=5, le=86_400)
    # How often expired holds are looked for; each is freed this late at most.
    sweep_every_s: float = Field(default=1.0, gt=0, le=60)
    # How often the inventory is looked at for contradictions: every event that changed since, and now and then all.
    watch_every_s: float = Field(default=60.0, gt=0, le=86_400)
    # Seed of the Ed25519 key that signs tickets: 32 bytes, base64url. Empty: one is made and kept in the database.
    ticket_signing_key: SecretStr = SecretStr("")

    @field_validator("ticket_signing_key")
    @classmethod
    def _is_a_seed(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value()
        if text and len(decoded_seed(text)) != 32:
            raise ValueError("must be 32 bytes in base64url")
        return key


def decoded_seed(text: str) -> bytes:
    """The bytes of the seed; none when it is not base64url."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except binascii.Error:
        return b""
