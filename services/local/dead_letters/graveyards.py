"""All places where dead letters lie, as one. A store that is away is told of, and the others go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.kit.errors import NotNow
from services.local.dead_letters.letters import DeadLetter, Graveyard, NoSuchLetter

type Problems = list[str]


class Graveyards:
    def __init__(self, graveyards: Sequence[Graveyard]) -> None:
        self._graveyards = graveyards

    def of(self, name: str) -> Graveyard:
        """Where a letter, topic or stream of that name is. Raises NoSuchLetter."""
        for graveyard in self._graveyards:
            if graveyard.holds(name):
                return graveyard
        raise NoSuchLetter(f"{name}: neither a topic, nor a stream of the booking queue, nor a letter's id of one")

    async def letters(self, places: Sequence[str]) -> tuple[list[DeadLetter], Problems]:
        """Oldest first, of the topics and streams named or of all; and what could not be looked at."""
        letters: list[DeadLetter] = []
        problems: Problems = []
        asked = {self.of(place) for place in places} or set(self._graveyards)
        for graveyard in self._graveyards:
            if graveyard not in asked:
                continue
            try:
                found = await graveyard.letters([place for place in places if graveyard.holds(place)])
            except NotNow as away:
                problems.append(_away(graveyard, away))
                continue
            letters += found.letters
            if found.left_out:
                problems.append(f"{graveyard.store}: {found.left_out} older ones were not looked at")
        return sorted(letters, key=lambda one: one.at), problems

    async def details(self, letter_id: str, *, body: bool) -> tuple[Mapping[str, object], Problems]:
        """Raises NoSuchLetter."""
        graveyard = self.of(letter_id)
        try:
            return await graveyard.details(letter_id, body=body), []
        except NotNow as away:
            return {}, [_away(graveyard, away)]

    async def replay(self, letter_id: str) -> tuple[str, Problems]:
        """Where it went; empty when it did not."""
        graveyard = self.of(letter_id)
        try:
            return await graveyard.replay(letter_id), []
        except NoSuchLetter as told:
            return "", [str(told)]
        except NotNow as away:
            return "", [f"{letter_id} was not sent back: {_away(graveyard, away)}"]


def _away(graveyard: Graveyard, away: NotNow) -> str:
    return f"{graveyard.store}: {away}: {str(away.__cause__) or 'it took too long'}"
