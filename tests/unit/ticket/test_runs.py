"""Where the best seats are taken from."""

from services.ticket.domain.runs import Run, Runs


def test_neighbours_come_from_the_frontmost_run_they_fit_in() -> None:
    runs = Runs([Run("1", 3, 2), Run("2", 1, 5)])

    assert runs.take(3) == [("2", 1), ("2", 2), ("2", 3)]
    assert runs.take(2) == [("1", 3), ("1", 4)]
    assert runs.free == 2


def test_who_fits_nowhere_together_gets_the_frontmost_seats() -> None:
    runs = Runs([Run("1", 1, 1), Run("2", 4, 2)])

    assert runs.take(3) == [("1", 1), ("2", 4), ("2", 5)]
    assert not runs.seated_apart


def test_seating_people_apart_is_told_when_there_are_seats_not_looked_at() -> None:
    runs = Runs([Run("1", 1, 1), Run("2", 4, 1)], more=True)

    runs.take(2)

    assert runs.seated_apart


def test_a_seat_taken_by_name_splits_its_run() -> None:
    runs = Runs([Run("1", 1, 5)])

    runs.remove("1", 3)
    runs.remove("1", 3)
    runs.remove("9", 1)

    assert runs.free == 4
    assert [runs.take(2), runs.take(2)] == [[("1", 1), ("1", 2)], [("1", 4), ("1", 5)]]
