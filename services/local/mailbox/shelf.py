"""The caught mails: one .eml file each, and an index of the latest in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import Final

from services.local.mailbox.letter import Letter, summarise

CAPACITY: Final = 100_000


class Shelf:
    """Holds `capacity` letters; a newer one pushes the oldest out, its file too."""

    def __init__(self, folder: Path, *, capacity: int = CAPACITY) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._capacity = folder, capacity
        self._letters: dict[str, Letter] = {}
        self._by_recipient: dict[str, deque[Letter]] = {}
        self._sequence = 0
        self._latest_ms = 0
        for file in sorted(folder.glob("*.eml"))[-capacity:]:
            self._remember(summarise(file.stem, file.read_bytes()))

    def put(self, raw: bytes, *, to: Sequence[str], now_ms: int) -> Letter:
        """The envelope's recipients are kept as `Delivered-To`: a Bcc is in no other header."""
        self._sequence += 1
        self._latest_ms = max(self._latest_ms, now_ms)  # ids rise even when the clock does not
        letter_id = f"{self._latest_ms:013d}-{self._sequence % 1_000_000:06d}"
        delivered = "".join(f"Delivered-To: {address}\r\n" for address in to).encode()
        self._file(letter_id).write_bytes(delivered + raw)
        letter = summarise(letter_id, delivered + raw)
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
        return reversed(self._letters.values() if to is None else self._sent_to(to))

    def _sent_to(self, address: str) -> deque[Letter]:
        return self._by_recipient.get(address.casefold(), deque())

    def _remember(self, letter: Letter) -> None:
        self._letters[letter.id] = letter
        for address in {address.casefold() for address in letter.to}:
            self._by_recipient.setdefault(address, deque()).append(letter)
        if len(self._letters) > self._capacity:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = self._letters.pop(next(iter(self._letters)))
        for address in {address.casefold() for address in oldest.to}:
            self._by_recipient[address].popleft()
            if not self._by_recipient[address]:
                del self._by_recipient[address]
        self._file(oldest.id).unlink(missing_ok=True)

    def _file(self, letter_id: str) -> Path:
        return self._folder / f"{letter_id}.eml"
