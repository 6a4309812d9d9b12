"""auth's word about who holds an access token: for one service, and for a minute."""

from __future__ import annotations

import pytest

from services.auth.domain import WORD_LASTS_S, Vouching
from services.kit.errors import Told
from services.kit.tokens import LEEWAY_S, Identity, InvalidToken, TokenVerifier
from tests.unit.auth.conftest import ACCESS_LASTS_S, Auth


async def access_token(auth: Auth) -> str:
    return str((await auth.register()).tokens.access.text)


async def word_of(auth: Auth, token: str, audience: str = "booking") -> str | Told:
    return (await auth.handlers.vouch_for([Vouching(token, audience, "speaker")]))[0]


async def believed(auth: Auth, word: str | Told, audience: str = "booking") -> Identity:
    assert isinstance(word, str)
    return await TokenVerifier(auth.keys.jwks, audience=audience).read(word)


async def test_our_word_names_the_person_the_speaker_and_a_minute(auth: Auth) -> None:
    signed_in = await auth.register()

    person = await believed(auth, await word_of(auth, signed_in.tokens.access.text))

    assert person.user_id == signed_in.account.user_id
    assert person.roles == {"buyer"}
    assert person.speaker == "speaker"
    assert person.expires_at - person.issued_at == WORD_LASTS_S


async def test_our_word_to_one_service_is_nothing_to_another_and_no_access_token(auth: Auth) -> None:
    word = await word_of(auth, await access_token(auth))

    with pytest.raises(InvalidToken):
        await believed(auth, word, "payment")
    with pytest.raises(InvalidToken):
        await auth.keys.verify(str(word))


async def test_our_word_does_not_outlast_the_access_token_by_much(auth: Auth) -> None:
    token = await access_token(auth)
    auth.clock.advance(ACCESS_LASTS_S - 10)

    person = await believed(auth, await word_of(auth, token))

    assert person.expires_at - auth.clock().timestamp() <= 10 + LEEWAY_S


async def test_one_that_is_refused_leaves_the_others_alone(auth: Auth) -> None:
    token = await access_token(auth)
    wanted = [Vouching("forged", "booking", "s"), Vouching(token, "email-worker", "s"), Vouching(token, "booking", "s")]

    forged, nobody, good = await auth.handlers.vouch_for(wanted)

    assert isinstance(forged, Told)
    assert forged.reason == "invalid-token"
    assert isinstance(nobody, Told)
    assert nobody.reason == "invalid-argument"
    assert isinstance(good, str)
