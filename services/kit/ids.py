"""Names of things: UUIDv7, which sort by the time they were made."""

import uuid
from datetime import datetime

import uuid_utils


def new_id() -> str:
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """True for the canonical text of any UUID; what is not one can not name anything of ours."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def first_id_at(moment: datetime) -> str:
    """The least id that can be made at that moment: those made earlier sort before it."""
    milliseconds = f"{int(moment.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-000000000000"
