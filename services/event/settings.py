"""All that the event process may be told from outside."""

from typing import ClassVar

from services.kit.settings import KafkaSettings, KeysSettings, PostgresSettings, ServiceSettings


class EventSettings(ServiceSettings, PostgresSettings, KafkaSettings, KeysSettings):
    service: ClassVar[str] = "event"
