"""What the ticket process may be told, and what stops it."""

import base64

import pytest
from pydantic import ValidationError

from services.ticket.settings import TicketSettings, decoded_seed


def test_a_signing_key_is_32_bytes_in_base64url() -> None:
    seed = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")

    settings = TicketSettings(ticket_signing_key=seed)

    assert decoded_seed(settings.ticket_signing_key.get_secret_value()) == bytes(range(32))


@pytest.mark.parametrize("wrong", ["short", "!" * 43, "A" * 44])
def test_another_signing_key_stops_the_process(wrong: str) -> None:
    with pytest.raises(ValidationError):
        TicketSettings(ticket_signing_key=wrong)
