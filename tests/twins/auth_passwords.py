"""Hashing that takes no time, and remembers how much work it was asked for."""

from services.kit.errors import Overloaded


class MemoryPasswords:
    def __init__(self, generation: str = "v1") -> None:
        self.generation = generation
        # Every password looked at, with the hash it was compared to; None: nobody's.
        self.looked_at: list[str | None] = []
        self.overloaded = False

    async def hash(self, password: str) -> str:
        self._admit()
        return f"{self.generation}:{password}"

    async def matches(self, password: str, password_hash: str | None) -> bool:
        self._admit()
        self.looked_at.append(password_hash)
        return password_hash is not None and password_hash.partition(":")[2] == password

    def outdated(self, password_hash: str) -> bool:
        return password_hash.partition(":")[0] != self.generation

    def _admit(self) -> None:
        if self.overloaded:
            raise Overloaded("passwords")
