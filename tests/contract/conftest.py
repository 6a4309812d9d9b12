"""A contract suite runs twice: over the twin in memory, and over the real thing."""

import pytest

from tests.conftest import Stores


@pytest.fixture(params=["twin", "real"])
def real_stores(request: pytest.FixtureRequest) -> Stores | None:
    """None: build the twin. Asked for here, outside any event loop, where stores can be started."""
    return None if request.param == "twin" else request.getfixturevalue("stores")
