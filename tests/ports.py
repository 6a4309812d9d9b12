"""Where tests listen, beside all else that runs here; `python -m tests.ports` tells where a whole platform fits."""

import os
import random
import socket
from contextlib import suppress
from itertools import chain, cycle

from services.kit.topology import topology
from services.local.platform import refuse_taken_ports
from services.local.ports import MOST
from services.local.stores import StoreFailed

# Ports moved this far are none that the machine gives to connections that go out; a step is as much as one platform.
OFFSETS = range(11_000, MOST + 1, 200)

# Above those, and below what goes out. What listens encrypted too does so a thousand higher.
_SINGLE = list(chain(*(range(thousand, thousand + 1000) for thousand in range(24_000, 32_000, 2000))))
_candidates = cycle(random.sample(_SINGLE, len(_SINGLE)))


def free_port() -> int:
    """Nobody listens on it, and no connection that goes out takes it before its server starts, or starts again."""
    for port in (next(_candidates) for _ in _SINGLE):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def use_free_ports() -> None:
    """Set LOCAL_PORT_OFFSET to one at which a whole platform fits. Whoever calls it gives the variable back."""
    # At random: two that start at the same moment would take the same.
    for offset in random.sample(OFFSETS, len(OFFSETS)):
        os.environ["LOCAL_PORT_OFFSET"] = str(offset)
        with suppress(StoreFailed):
            refuse_taken_ports(list(topology().services.values()))
            return
    raise AssertionError("no ports are free: as many platforms run here as fit")


if __name__ == "__main__":
    use_free_ports()
    print(os.environ["LOCAL_PORT_OFFSET"])
