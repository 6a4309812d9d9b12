"""Page tokens: ours come back, others are refused."""

import pytest

from services.kit.paging import BadPageSize, BadPageToken, from_token, page_size, to_token


def test_a_token_comes_back_as_the_key_it_was_made_of() -> None:
    assert from_token(to_token("2030-01-01", "e1"), tuple[str, str]) == ("2030-01-01", "e1")


@pytest.mark.parametrize("token", ["x", "ä", "====", to_token(1), "A" * 5000])
def test_any_other_text_is_refused(token: str) -> None:
    with pytest.raises(BadPageToken):
        from_token(token, tuple[str, str])


@pytest.mark.parametrize("size", [-1, 101, 2**31 - 1])
def test_a_page_has_a_size_within_bounds(size: int) -> None:
    with pytest.raises(BadPageSize):
        page_size(size)


def test_no_size_means_the_default() -> None:
    assert page_size(0) == 20
