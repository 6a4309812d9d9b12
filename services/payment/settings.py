"""All that the payment process may be told from outside."""

from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator

from services.kit.settings import KafkaSettings, KeysSettings, PostgresSettings, ServiceSettings, own_url, peer_url


class PaymentSettings(ServiceSettings, PostgresSettings, KafkaSettings, KeysSettings):
    service: ClassVar[str] = "payment"

    realtime_service_url: str = peer_url("realtime")
    # Who moves the money. The sandbox moves none.
    payment_provider: Literal["stripe", "sandbox"] = "sandbox"
    # Where a buyer's browser reaches this process: the links of the sandbox's 3-D Secure page begin so.
    public_url: str = Field(default=own_url("payment"), pattern=r"^https?://[^\s]+$")

    # How long the PSP may take to answer one call, its retries included.
    psp_timeout_s: float = Field(default=4.0, gt=0, le=60)
    # Once half of a batch is answered, the rest get as long again, and at least this.
    psp_patience_s: float = Field(default=0.2, ge=0, le=60)

    # How often our books are compared with the PSP's …
    watch_every_s: float = Field(default=60.0, gt=0, le=86_400)
    # … and how far back when everything is compared: at the start, and now and then.
    watch_window_s: int = Field(default=86_400, ge=60, le=30 * 86_400)

    stripe_secret_key: SecretStr = SecretStr("")
    stripe_webhook_secret: SecretStr = SecretStr("")
    # Another address than Stripe's own, such as a proxy's.
    stripe_api_base: str = ""
    # Where Stripe sends the buyer after 3-D Secure; empty: the browser does it with the client secret instead.
    stripe_return_url: str = ""
    # Calls to Stripe under way at once.
    stripe_concurrency: int = Field(default=32, ge=1, le=500)
    stripe_retries: int = Field(default=1, ge=0, le=5)

    @model_validator(mode="after")
    def _stripe_needs_its_secrets(self) -> Self:
        if self.payment_provider == "stripe":
            for name in ("stripe_secret_key", "stripe_webhook_secret"):
                if not getattr(self, name).get_secret_value():
                    raise ValueError(f"{name.upper()} is needed with PAYMENT_PROVIDER=stripe")
        return self
