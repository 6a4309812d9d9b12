"""Where a platform of a test's own listens, beside whatever else runs on this machine."""

import os
import random
from contextlib import suppress

from services.kit.topology import topology
from services.local.platform import refuse_taken_ports
from services.local.stores import StoreFailed

# Ports moved this far are none that the machine gives to connections that go out; a step is as much as one platform.
OFFSETS = range(11_000, 15_000, 200)


def use_free_ports() -> None:
    """Set LOCAL_PORT_OFFSET to one at which a whole platform fits. Whoever calls it gives the variable back."""
    # At random: two that start at the same moment would take the same.
    for offset in random.sample(OFFSETS, len(OFFSETS)):
        os.environ["LOCAL_PORT_OFFSET"] = str(offset)
        with suppress(StoreFailed):
            refuse_taken_ports(topology().python_services)
            return
    raise AssertionError("no ports are free: as many platforms run here as fit")
