"""Where a platform of a test's own listens, beside all else that runs here; `python -m tests.platform_ports` tells."""

import os
import random
from contextlib import suppress

from services.kit.topology import topology
from services.local.platform import refuse_taken_ports
from services.local.ports import MOST
from services.local.stores import StoreFailed

# Ports moved this far are none that the machine gives to connections that go out; a step is as much as one platform.
OFFSETS = range(11_000, MOST + 1, 200)


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
