"""All that the realtime process may be told from outside."""

from typing import ClassVar

from pydantic import Field

from services.kit.settings import KafkaSettings, RedisSettings, ServiceSettings


class RealtimeSettings(ServiceSettings, RedisSettings, KafkaSettings):
    service: ClassVar[str] = "realtime"

    # Origins whose pages may open a socket, comma separated; empty: any.
    allowed_origins: str = ""
    # Sockets of this instance.
    max_sockets: int = Field(default=20_000, ge=1, le=200_000)
    # Of those, sockets of people without an account; the rest is for buyers who wait for their result.
    max_guests: int = Field(default=15_000, ge=0, le=200_000)
    # Cookie in which the web app keeps the access token, out of reach of scripts.
    token_cookie: str = "ticketing_access"  # noqa: S105 - a name, not a secret
    # Messages that one room may cost a second: a crowded room hears of changes less often.
    room_sends_per_s: int = Field(default=4_000, ge=1)

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(origin.strip() for origin in self.allowed_origins.split(",") if origin.strip())
