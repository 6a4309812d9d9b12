"""Names of things: UUIDv7, which sort by the time they were made."""

import uuid

import uuid_utils


def new_id() -> str:
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """True for the canonical text of any UUID; what is not one can not name anything of ours."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
