"""All that the email-worker process may be told from outside."""

from email.utils import parseaddr
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from services.email_worker.domain import is_address
from services.kit.settings import KafkaSettings, PostgresSettings, ServiceSettings, own_url
from services.kit.topology import topology


class EmailWorkerSettings(ServiceSettings, PostgresSettings, KafkaSettings):
    service: ClassVar[str] = "email-worker"

    # The SMTP server; by default the local mailbox, which keeps what it is sent.
    mail_host: str = Field(default="localhost", min_length=1)
    mail_port: int = Field(default=topology().mailbox["smtp"], gt=0, le=65535)
    # `starttls` refuses a server that does not offer it.
    mail_tls: Literal["none", "starttls", "tls"] = "none"
    # Empty: no login.
    mail_username: str = ""
    mail_password: SecretStr = SecretStr("")
    # Whom mails come from: an address, or `Name <address>`.
    mail_from: str = "Ticketing <tickets@ticketing.example>"
    # Connections kept to the server; each carries one mail after the other.
    mail_connections: int = Field(default=4, ge=1, le=50)
    # How long one mail may take, from the first command to the server's word.
    mail_deadline_s: float = Field(default=20.0, gt=0, le=120)
    # Tell buyers by mail, too, that a booking failed for a reason they can act on.
    mail_rejections: bool = False
    # A reminder to pay waits this long, for most buyers pay at once and need none.
    mail_payment_reminder_s: float = Field(default=60.0, ge=0, le=3600)
    # Where the links in mails lead.
    mail_site_url: str = Field(default=own_url("frontend"), pattern=r"^https?://[^\s\"'<>]+$")

    @field_validator("mail_from")
    @classmethod
    def _has_an_address(cls, value: str) -> str:
        if not is_address(parseaddr(value)[1]):
            raise ValueError("must be an address or `Name <address>`")
        return value
