"""The web app has words, in both languages, for whatever the platform may say to a person."""

import json
from pathlib import Path
from typing import Final

import pytest

from protos.timeline import SENTENCES
from services.gateway.edge.reasons import EXPLAINED

MESSAGES: Final = Path(__file__).parents[2] / "services" / "frontend" / "messages"
# Reasons that the app's own requests do not meet: they are of its form, not of the buyer's doing. Whoever meets one all
# the same reads `error.other`.
OF_PROGRAMS: Final = frozenset({
    "malformed-json", "bad-page-token", "bad-page-size", "unsupported-media-type", "body-too-large", "request-timeout",
    "unknown-path", "method-not-allowed", "bad-request", "unknown-role", "internal-error",
})  # fmt: skip
# A booking never ends with one of these: they stay on a socket, between services, or on the sandbox's own pages.
ELSEWHERE: Final = frozenset({
    "payment-processing", "psp-unavailable", "not-refundable", "refund-too-large", "unknown-intent", "nothing-to-do",
    "protocol-error", "too-many-messages", "too-many-rooms", "too-many-guests", "too-many-sockets", "too-slow",
    "token-in-url", "unknown-payment",
})  # fmt: skip


def words(language: str) -> dict[str, str]:
    return dict(json.loads((MESSAGES / f"{language}.json").read_text()))


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_app_has_words_for_every_reason_a_buyer_may_meet(language: str) -> None:
    said = words(language)

    without = {
        reason for reason in EXPLAINED if f"reason.{reason}.what" not in said and f"error.{reason}.what" not in said
    }

    assert without == OF_PROGRAMS | ELSEWHERE


def test_the_timeline_is_told_in_the_readers_language() -> None:
    english, german = words("en"), words("de")

    assert {code: english.get(f"timeline.{code}") for code in SENTENCES} == dict(SENTENCES)
    assert {key for key in german if key.startswith("timeline.")} == {f"timeline.{code}" for code in SENTENCES}
    assert all(german[f"timeline.{code}"] != sentence for code, sentence in SENTENCES.items())
