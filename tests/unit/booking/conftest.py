"""A desk, and the handlers of one process of it."""

import pytest

from services.booking.handlers import BookingHandlers
from tests.unit.booking.desk import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def handlers(world: World) -> BookingHandlers:
    return world.process()[0]
