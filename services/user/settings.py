"""All that the user process may be told from outside."""

from typing import ClassVar

from services.kit.settings import KafkaSettings, PostgresSettings, ServiceSettings


class UserSettings(ServiceSettings, PostgresSettings, KafkaSettings):
    service: ClassVar[str] = "user"
