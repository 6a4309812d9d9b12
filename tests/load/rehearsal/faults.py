"""What can go wrong, as values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Kind(enum.Enum):
    KILL = "kill -9"
    FREEZE = "freeze"
    STORE_KILL = "kill -9 store"
    STORE_STOP = "stop store"
    STORE_FREEZE = "freeze store"
    # Connections are reset; new ones are welcome.
    CUT = "cut"
    # Connections are reset, and new ones too: there is nobody.
    AWAY = "away"
    # Connections stay, and nothing passes: a cable that was pulled.
    MUTE = "mute"
    PSP = "psp"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    kind: Kind
    # Services, a store, or a wire as `caller/callee`, where `*` is everybody.
    targets: tuple[str, ...]
    # Seconds after the sale began.
    at_s: float = 0.0
    # Until it is undone; 0 for what happens in a moment.
    lasts_s: float = 0.0
    # What the PSP is ordered to do, or `by_s` of a clock.
    details: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [self.kind.value, " and ".join(self.targets)]
        words += [f"{name}={value:g}" for name, value in self.details.items()]
        if self.lasts_s:
            words.append(f"for {self.lasts_s:.1f} s")
        return " ".join(words)
