"""All that the user process may be told from outside."""

from typing import ClassVar

from services.kit.settings import KafkaSettings, KeysSettings, PostgresSettings, ServiceSettings


class UserSettings(ServiceSettings, PostgresSettings, KafkaSettings, KeysSettings):
    service: ClassVar[str] = "user"
