"""All that the gateway process may be told from outside."""

import ipaddress
from typing import Annotated, ClassVar

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from services.kit.settings import RedisSettings, ServiceSettings, peer_url

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class GatewaySettings(ServiceSettings, RedisSettings):
    service: ClassVar[str] = "gateway"

    auth_service_url: str = peer_url("auth")
    event_service_url: str = peer_url("event")
    ticket_service_url: str = peer_url("ticket")
    booking_service_url: str = peer_url("booking")
    payment_service_url: str = peer_url("payment")
    user_service_url: str = peer_url("user")

    # Requests at work at once; more are turned away before anything is done for them. The process answers some 1,500 a
    # second, so that whoever is the last of so many still waits for well under a second.
    http_max_at_work: int = Field(default=500, ge=1, le=100_000)
    # Orders that may wait for one event; beyond that a buyer is told to come back.
    queue_limit: int = Field(default=200_000, ge=1)
    # How long a request may take altogether.
    request_timeout_s: float = Field(default=10.0, gt=0, le=120)
    # Bytes of a request's body.
    body_limit: int = Field(default=64 * 1024, ge=1024)

    # Requests a minute; each replica counts by itself (see edge/limits.py). 0 means no limit.
    rate_limit_user_per_min: int = Field(default=600, ge=0)
    rate_limit_bookings_per_min: int = Field(default=60, ge=0)
    rate_limit_address_per_min: int = Field(default=20_000, ge=0)

    # Origins whose pages may call the API, comma separated; `*` means any.
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    # Networks whose X-Forwarded-For is believed, comma separated, such as 10.0.0.0/8.
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value
