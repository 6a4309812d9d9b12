"""What a door can trust of a QR code."""

import asyncio
import base64
from collections.abc import Callable, Mapping

import jwt
import msgspec
import pytest

from services.kit.money import Money
from services.ticket.domain.hold import Place, Ticket
from services.ticket.signing import Key, TicketSigner

SEED = b"s" * 32
TICKET = Ticket("t1", "hold", 0, "e1", "b1", Place("A-1-2", "A", "Section A, row 1, seat 2", Money(5000, "EUR")))


class MemoryKeys:
    def __init__(self) -> None:
        self.kept: dict[str, Key] = {}
        self.made = 0

    async def own(self, make: Callable[[], Key]) -> Key:
        if not self.made:
            self.made += 1
            await self.remember(make())
        return next(iter(self.kept.values()))

    async def remember(self, key: Key) -> None:
        self.kept[key.kid] = key

    async def public_keys(self) -> Mapping[str, bytes]:
        return {kid: key.public for kid, key in self.kept.items()}


async def verified(signer: TicketSigner, payload: str) -> dict[str, str]:
    keys = {row["kid"]: jwt.PyJWK(row).key for row in msgspec.json.decode(await signer.jwks())["keys"]}
    return jwt.decode(payload, keys[jwt.get_unverified_header(payload)["kid"]], algorithms=["EdDSA"])


async def test_a_payload_names_ticket_event_and_place_and_verifies_against_the_published_keys() -> None:
    signer = TicketSigner(MemoryKeys(), SEED)

    ((signed,),) = await signer.sign([[TICKET]])

    assert await verified(signer, signed.qr_payload) == {"tid": "t1", "eid": "e1", "sec": "A", "seat": "A-1-2"}


async def test_a_changed_payload_does_not_verify() -> None:
    signer = TicketSigner(MemoryKeys(), SEED)
    ((signed,),) = await signer.sign([[TICKET]])
    header, _, signature = signed.qr_payload.split(".")
    better_seat = base64.urlsafe_b64encode(b'{"tid":"t1","eid":"e1","sec":"A","seat":"A-1-1"}').decode().rstrip("=")

    with pytest.raises(jwt.InvalidSignatureError):
        await verified(signer, f"{header}.{better_seat}.{signature}")


async def test_the_same_ticket_has_the_same_payload() -> None:
    assert Key(SEED).payload(TICKET) == Key(SEED).payload(TICKET)


async def test_without_a_setting_one_key_is_made_however_many_ask_at_once() -> None:
    keys = MemoryKeys()
    signer = TicketSigner(keys, b"")

    await asyncio.gather(*(signer.sign([[TICKET]]) for _ in range(5)))

    assert keys.made == 1


async def test_tickets_of_the_key_before_still_verify() -> None:
    keys = MemoryKeys()
    ((old,),) = await TicketSigner(keys, SEED).sign([[TICKET]])

    after = TicketSigner(keys, b"n" * 32)

    assert (await verified(after, old.qr_payload))["tid"] == "t1"
