"""The order and the bounds of the caught mails."""

from pathlib import Path

from services.local.mailbox.shelf import Shelf

RAW = b"Subject: hello\r\n\r\nhi"


def test_newest_come_first_and_a_poller_goes_forward(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    first, second, third = (shelf.put(RAW, to=["ana@example.com"], now_ms=n) for n in (1, 2, 3))

    assert shelf.newest(to=None, limit=2) == [third, second]
    assert shelf.after(first.id, to=None, limit=1) == [second]
    assert shelf.after(second.id, to="ana@example.com", limit=9) == [third]


def test_ids_rise_when_the_clock_goes_back(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)

    sooner, later = (shelf.put(RAW, to=["a@example.com"], now_ms=n) for n in (9, 1))

    assert later.id > sooner.id


def test_each_recipient_has_a_box_and_case_does_not_matter(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(RAW, to=["Ana@example.com", "bo@example.com"], now_ms=1)
    shelf.put(RAW, to=["bo@example.com"], now_ms=2)

    assert shelf.count("ana@EXAMPLE.com") == 1
    assert shelf.count("bo@example.com") == 2
    assert shelf.count() == 2
    assert len(shelf.search("ANA@", skip=0, limit=9)) == 1


def test_the_oldest_make_room(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, capacity=2)

    for n in range(3):
        shelf.put(RAW, to=[f"buyer-{n}@example.com"], now_ms=n)

    assert shelf.count() == 2
    assert shelf.count("buyer-0@example.com") == 0
    assert len(list(tmp_path.glob("*.eml"))) == 2


def test_a_new_shelf_finds_the_letters_of_the_old_one(tmp_path: Path) -> None:
    letter = Shelf(tmp_path).put(RAW, to=["jörg@example.com"], now_ms=1)

    assert Shelf(tmp_path).newest(to="jörg@example.com", limit=9) == [letter]


def test_a_letter_that_comes_again_is_counted_by_a_new_shelf_as_well(tmp_path: Path) -> None:
    shelf, raw = Shelf(tmp_path), b"Message-ID: <m1@example.com>\r\n" + RAW
    first = shelf.put(raw, to=["Ana@example.com"], now_ms=1)
    shelf.put(raw, to=["bo@example.com"], now_ms=2)

    again = shelf.put(raw, to=["ana@example.com"], now_ms=3)

    assert (again.id, again.deliveries) == (first.id, 2)
    assert shelf.newest(to="ana@example.com", limit=9) == shelf.repeated(limit=9) == [again]
    assert shelf.count() == 2
    assert Shelf(tmp_path).repeated(limit=9) == [again]
    assert shelf.read(again).endswith(RAW)


def test_what_made_room_may_come_as_a_new_letter(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, capacity=1)
    letters = [b"Message-ID: <m%d@example.com>\r\n" % number + RAW for number in (1, 1, 2, 1)]

    came = [shelf.put(raw, to=["ana@example.com"], now_ms=now_ms).deliveries for now_ms, raw in enumerate(letters)]

    assert came == [1, 2, 1, 1]
    assert shelf.repeated(limit=9) == []
