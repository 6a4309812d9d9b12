"""One thing that is wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    kind: str
    # A booking, a seat or a charge.
    about: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.about}: {self.sentence}"
