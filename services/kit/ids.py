"""Names of things: UUIDv7, which sort by the time they were made."""

import uuid
from datetime import UTC, datetime

import uuid_utils


def new_id() -> str:
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """True for the canonical text of any UUID; what is not one can not name anything of ours."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def made_at(text: str) -> datetime | None:
    """When that id was made; None for what is no UUIDv7."""
    if not is_id(text) or (made := uuid.UUID(text)).version != 7:
        return None
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)


def first_id_at(moment: datetime) -> str:
    """The least id that can be made at that moment: those made earlier sort before it."""
    milliseconds = f"{int(moment.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-000000000000"
