"""Which words an event is found by."""

from hypothesis import given
from hypothesis import strategies as st

from services.event.domain.search import Search, folded, search_words, words_of
from tests.unit.event.drafts import event, venue


def test_case_accents_and_punctuation_do_not_matter() -> None:
    assert words_of("Die Ärzte: LIVE! (in São Paulo)") == ("die", "arzte", "live", "in", "sao", "paulo")
    assert folded(" STRASSE ") == folded("straße")


def test_an_event_is_found_by_title_description_venue_and_city() -> None:
    made = event(title="Faust", description="A tragedy.", venue=venue(name="Residenz", city="München"))

    assert search_words(made) == ("faust", "residenz", "munchen", "a", "tragedy")


def test_a_search_for_no_word_at_all_finds_nothing_but_an_empty_one_asks_nothing() -> None:
    assert Search(text="!!!").finds_nothing
    assert not Search(text="  ").finds_nothing


@given(st.text(max_size=200))
def test_words_are_letters_and_digits_whatever_was_typed(text: str) -> None:
    assert all(word.isalnum() and len(word) <= 40 for word in words_of(text))


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_words_of_a_text_are_found_in_any_text_that_holds_it(text: str, more: str) -> None:
    assert set(words_of(text)) <= set(words_of(f"{more} {text} {more}"))
