"""All that the booking process may be told from outside."""

from typing import ClassVar

from pydantic import Field

from services.kit.settings import KafkaSettings, KeysSettings, PostgresSettings, ServiceSettings, peer_url


class BookingSettings(ServiceSettings, PostgresSettings, KafkaSettings, KeysSettings):
    service: ClassVar[str] = "booking"

    ticket_service_url: str = peer_url("ticket")
    payment_service_url: str = peer_url("payment")
    # How long seats are held for a buyer who still has to pay or to pass 3-D Secure.
    payment_window_s: int = Field(default=600, ge=3, le=3600)
    # Orders at work at once in one process; more are told to come back.
    max_running: int = Field(default=5_000, ge=1, le=100_000)
    # How often bookings are compared with the books of ticket and payment …
    watch_every_s: float = Field(default=5.0, gt=0, le=3600)
    # … and how far back, once everything was compared before.
    watch_window_s: int = Field(default=7 * 86_400, ge=60, le=365 * 86_400)
    # How long it is remembered what happened to a booking.
    timeline_days: int = Field(default=180, ge=1, le=3650)
