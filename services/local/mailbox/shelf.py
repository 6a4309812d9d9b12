"""The caught mails: one .eml file each, and an index of the latest in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, takewhile
from pathlib import Path
from typing import Final

from services.local.mailbox.letter import AGAIN, Letter, summarise

CAPACITY: Final = 100_000


class Shelf:
    """Holds `capacity` letters; a newer one pushes the oldest out, its file too.

    It does what mailboxes do: a letter with the Message-ID of one that is here, for the same recipients, is that one,
    which is shown once. How often it came is counted.
    """

    def __init__(self, folder: Path, *, capacity: int = CAPACITY) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._capacity = folder, capacity
        self._letters: dict[str, Letter] = {}
        self._by_recipient: dict[str, dict[str, Letter]] = {}
        # Message-ID and recipients → id.
        self._known: dict[tuple[str, frozenset[str]], str] = {}
        # Ids of those that came more than once, in the order in which that was found.
        self._repeated: dict[str, None] = {}
        self._sequence = 0
        self._latest_ms = 0
        for file in sorted(folder.glob("*.eml"))[-capacity:]:
            self._remember(summarise(file.stem, file.read_bytes()))

    def put(self, raw: bytes, *, to: Sequence[str], now_ms: int) -> Letter:
        """The envelope's recipients are kept as `Delivered-To`: a Bcc is in no other header.

        One that came before keeps its place, and the words it came with first.
        """
        self._sequence += 1
        self._latest_ms = max(self._latest_ms, now_ms)  # ids rise even when the clock does not
        letter_id = f"{self._latest_ms:013d}-{self._sequence % 1_000_000:06d}"
        delivered = "".join(f"Delivered-To: {address}\r\n" for address in to).encode()
        letter = summarise(letter_id, delivered + raw)
        if first := self._letters.get(self._known.get(_identity(letter), "")):
            return self._came_again(first, letter)
        self._file(letter_id).write_bytes(delivered + raw)
        self._remember(letter)
        return letter

    def _came_again(self, first: Letter, again: Letter) -> Letter:
        file = self._file(first.id)
        written = file.with_suffix(".new")
        written.write_bytes(f"{AGAIN}: {again.received_at.isoformat()}\r\n".encode() + file.read_bytes())
        written.replace(file)
        letter = replace(first, deliveries=first.deliveries + 1)
        self._remember(letter)
        return letter

    def find(self, letter_id: str) -> Letter | None:
        return self._letters.get(letter_id)

    def read(self, letter: Letter) -> bytes:
        return self._file(letter.id).read_bytes()

    def count(self, to: str | None = None) -> int:
        return len(self._letters if to is None else self._sent_to(to))

    def newest(self, *, to: str | None, limit: int) -> list[Letter]:
        return list(islice(self._latest_first(to), limit))

    def after(self, letter_id: str, *, to: str | None, limit: int) -> list[Letter]:
        """Oldest first, so that a poller who asks again with the last id misses nothing."""
        later = list(takewhile(lambda letter: letter.id > letter_id, self._latest_first(to)))
        return later[::-1][:limit]

    def repeated(self, *, limit: int) -> list[Letter]:
        """Those that came more than once."""
        return [self._letters[letter_id] for letter_id in islice(self._repeated, limit)]

    def search(self, words: str, *, skip: int, limit: int) -> list[Letter]:
        """Newest first, those with `words` somewhere in a recipient's address."""
        wanted = words.casefold()
        found = (
            letter
            for letter in self._latest_first(None)
            if not wanted or any(wanted in address.casefold() for address in letter.to)
        )
        return list(islice(found, skip, skip + limit))

    def _latest_first(self, to: str | None) -> Iterator[Letter]:
        return reversed((self._letters if to is None else self._sent_to(to)).values())

    def _sent_to(self, address: str) -> dict[str, Letter]:
        return self._by_recipient.get(address.casefold(), {})

    def _remember(self, letter: Letter) -> None:
        self._letters[letter.id] = letter
        for address in _addresses(letter):
            self._by_recipient.setdefault(address, {})[letter.id] = letter
        if letter.message_id:
            self._known[_identity(letter)] = letter.id
        if letter.deliveries > 1:
            self._repeated[letter.id] = None
        if len(self._letters) > self._capacity:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = self._letters.pop(next(iter(self._letters)))
        for address in _addresses(oldest):
            del self._by_recipient[address][oldest.id]
            if not self._by_recipient[address]:
                del self._by_recipient[address]
        if self._known.get(_identity(oldest)) == oldest.id:
            del self._known[_identity(oldest)]
        self._repeated.pop(oldest.id, None)
        self._file(oldest.id).unlink(missing_ok=True)

    def _file(self, letter_id: str) -> Path:
        return self._folder / f"{letter_id}.eml"


def _addresses(letter: Letter) -> frozenset[str]:
    return frozenset(address.casefold() for address in letter.to)


def _identity(letter: Letter) -> tuple[str, frozenset[str]]:
    return letter.message_id, _addresses(letter)
