"""All that the booking-worker process may be told from outside."""

from typing import ClassVar

from pydantic import Field

from services.kit.settings import RedisSettings, ServiceSettings, peer_url


class BookingWorkerSettings(ServiceSettings, RedisSettings):
    service: ClassVar[str] = "booking-worker"

    booking_service_url: str = peer_url("booking")
    realtime_service_url: str = peer_url("realtime")
    # How long a worker that died keeps others from its events.
    lease_s: float = Field(default=10.0, ge=0.5, le=120)
    # Events that one worker works at a time.
    max_leases: int = Field(default=200, ge=1, le=2_000)
    # Orders without an outcome yet: of one event, and of all.
    max_in_flight_per_event: int = Field(default=1_000, ge=1)
    max_in_flight: int = Field(default=2_000, ge=1)
    # The pause between two reads, and between two settlements, in which more gathers: a batch of twenty costs hardly
    # more than one order.
    linger_s: float = Field(default=0.02, ge=0, le=1)
    # How often an order that booking could not decide is sent again before its buyer is asked to try again.
    max_tries: int = Field(default=20, ge=1, le=1_000)
