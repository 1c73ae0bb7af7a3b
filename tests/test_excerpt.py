"""Where a summary ends when it is longer than its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.editions.excerpt import shorten, teaser

FERRY = (
    "The extension keeps the old quayside trees, after residents counted every one of them and"
    " brought the list to the depot. “We simply moved the rails,” says the project lead."
)


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        ("The lock by the old fish market closes at ten.", " The bakery stays open."),
        ("Gov. Maria Ames left on Monday for the islands.", " Nobody saw her."),
        ("The U.S. President came by the night ferry on Monday.", " He slept."),
        ("“Who is J. R. Brandsma?” asked the mayor, twice.", " Nobody knew."),
        ("Am 3. Oktober wird im ganzen Hafen laut gefeiert.", " Alle kommen."),
        ("Die Brücke bzw. Fähre bleibt bis Montag geschlossen.", " Schade."),
        ("It rained for days, and then it rained some more.", " “Again”, he said."),
        ("It cost 3.50 euros, and nobody in the shop complained!", " Why not?"),
        ("متى تعود العبّارة الليلية إلى مدينتنا الصغيرة؟", " لا أحد يعرف ذلك."),
        (
            "昨夜遅く、十一年ぶりに夜行フェリーが港に戻り、二百十二人の乗客を乗せて、堤防のそばを通った。",
            "拍手。",
        ),
    ],
)
def test_a_teaser_is_the_first_sentence(first: str, rest: str) -> None:
    assert teaser(first + rest, 130) == first


def test_a_terse_sentence_takes_the_next_along() -> None:
    text = "Havenmere 1, Oosterzand 0! Both agree on the score. Nobody saw it."

    assert teaser(text, 130) == "Havenmere 1, Oosterzand 0! Both agree on the score."
    assert teaser(text, 40) == "Havenmere 1, Oosterzand 0!"


def test_a_long_sentence_is_cut_at_a_pause() -> None:
    assert teaser(FERRY.replace(",", "", 1), 110).endswith("them and brought the list to…")
    assert teaser("Past the breakwater it came with passengers, a brass band and a dog", 60) == (
        "Past the breakwater it came with passengers…"
    )


def test_a_summary_ends_with_a_sentence_if_that_fills_its_place() -> None:
    assert shorten(FERRY, 140) == FERRY[:120]
    assert shorten(FERRY, 400) == FERRY
    assert shorten("Short. " + "A long one that goes on for " * 9, 80).endswith("…")


@given(st.text(max_size=300), st.integers(2, 200))
def test_an_excerpt_fits_and_is_the_beginning(text: str, limit: int) -> None:
    for excerpt in (shorten(text, limit), teaser(text, limit)):
        assert len(excerpt) <= limit
        assert text.startswith((excerpt, excerpt.removesuffix("…")))
        assert excerpt or not text


def test_of_nothing_there_is_no_excerpt() -> None:
    assert (shorten("", 130), teaser("", 130)) == ("", "")
