"""Of too many requests some are turned away at once, with a word when to come back."""

from __future__ import annotations

import pytest

from services.gateway.edge import problems
from services.gateway.edge.places import Places
from services.kit.errors import Overloaded


def test_a_request_too_many_is_turned_away_and_a_place_that_is_left_is_anybodys() -> None:
    places = Places(1)

    with places.taken(), pytest.raises(Overloaded) as turned_away, places.taken():
        pass
    with places.taken():
        pass

    answer = problems.of_told(turned_away.value, "/api/v1/bookings")
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"


def test_a_request_that_fails_leaves_its_place() -> None:
    places = Places(1)

    for _ in range(3):
        with pytest.raises(ValueError, match="bug"), places.taken():
            raise ValueError("bug")
