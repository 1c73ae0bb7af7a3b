"""Lines of plain text: of a width, whole words, whole links, in any script."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.plaintext import columns, wrap

LINK = "https://example.org/a-rather-long/path/of-a-story?with=a&query=too#and-more"
SPACELESS = "新闻记者从国家统计局获悉今年前三季度生产总值同比增长。「あっという間に」、カーテン！"
CHARACTERS = "ab-—é\u0301é ’“”(),.!? \t\n\u00a0\u202fأخبار" + SPACELESS + "😀👨‍👩‍👧한국어"
WORDS = st.one_of(
    st.text(CHARACTERS, min_size=1, max_size=30),
    st.sampled_from(
        [LINK, f"({LINK})", "https://example.org/新闻/中国", "- ", "12. ", "\n\n", "   "]
    ),
)
TEXTS = st.one_of(st.lists(WORDS, max_size=40).map(" ".join), st.text(max_size=200))
WIDTHS = st.integers(2, 80)


def bare(text: str) -> str:
    """A text without the white space where lines may end."""
    return "".join(c for c in text if not c.isspace() or c in "\u00a0\u2007\u202f")


@given(TEXTS, WIDTHS)
def test_nothing_is_lost_added_or_moved(text: str, width: int) -> None:
    assert bare(wrap(text, width)) == bare(text)


@given(TEXTS, WIDTHS, st.sampled_from(["", "  ", "    "]))
def test_words_stay_whole(text: str, width: int, indent: str) -> None:
    spaced = "".join(c if c.isascii() or c in "\u00a0\u202f" else "x" for c in text)

    assert _words(wrap(spaced, width, indent)) == _words(spaced)


def _words(text: str) -> list[str]:
    return text.replace("\u00a0", "_").replace("\u202f", "_").split()


@given(TEXTS, st.integers(12, 80), st.sampled_from(["", "  ", "\u3000"]))
def test_only_what_cannot_be_broken_is_over_width(text: str, width: int, indent: str) -> None:
    for line in wrap(text, width, indent).splitlines():
        if columns(line) > width:
            # Alone on a line of width one, the same piece is still one line.
            piece = line.removeprefix(indent).lstrip(" ")
            marked = piece.startswith("- ") or piece.partition(". ")[0].isdecimal()
            piece = piece.partition(" ")[2] if marked else piece
            assert wrap(piece, 1).count("\n") == 0


@given(TEXTS, WIDTHS)
def test_what_is_wrapped_stays_as_it_is(text: str, width: int) -> None:
    once = wrap(text, width)

    assert wrap(once, width) == once


@given(TEXTS, st.integers(12, 80))
def test_no_line_begins_with_closing_punctuation_or_an_accent(text: str, width: int) -> None:
    joined = "".join(c for c in text if not c.isspace())

    for line in wrap("字" + joined, width).splitlines()[1:]:
        assert line[0] not in "。、」！ー，）"
        assert unicodedata.category(line[0]) not in ("Mn", "Me", "Cf")


@given(st.text("新闻中国", max_size=30), st.text("abcé/新闻中国", max_size=120), WIDTHS)
def test_a_link_is_never_broken(before: str, path: str, width: int) -> None:
    link = f"https://example.org/{path}"

    assert any(link in line for line in wrap(f"{before}{link} 新闻", width).splitlines())


def test_a_paragraph() -> None:
    assert wrap("word " * 20) == f"{'word ' * 14}word\n{'word ' * 4}word"


def test_indent_is_before_every_line_and_hang_before_the_further_ones() -> None:
    assert wrap("one two three", 10, "  ") == "  one two\n  three"
    assert wrap("one two three", 10, "* ", "  ") == "* one two\n  three"


def test_paragraphs_and_lists_stay_what_they_are() -> None:
    text = "First paragraph, long.\n\n- An item that is long\n- Two\n\n10. Ten and more of it\n"

    assert wrap(text, 16) == (
        "First paragraph,\nlong.\n\n- An item that\n  is long\n- Two\n\n10. Ten and more\n    of it"
    )


def test_a_long_link_in_a_list_stays_beside_its_mark() -> None:
    assert wrap(f"- {LINK} and so on", 20) == f"- {LINK}\n  and so on"


def test_chinese_is_broken_between_characters_but_not_before_a_stop() -> None:
    assert wrap("今年前三季度，增长", 12) == "今年前三季\n度，增长"


def test_an_opening_bracket_goes_with_what_it_opens() -> None:
    assert wrap("记者从「国家统计", 8) == "记者从\n「国家统\n计"


def test_korean_is_broken_at_its_spaces() -> None:
    assert wrap("대한민국 서울특별시", 12) == "대한민국\n서울특별시"


def test_a_french_mark_stays_with_its_word() -> None:
    assert wrap("Est-ce vrai\u202f? Oui", 11) == "Est-ce\nvrai\u202f? Oui"


@pytest.mark.parametrize("text", ["", " ", "\n", " \n\t\n"])
def test_nothing_stays_nothing(text: str) -> None:
    assert wrap(text) == ""


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("news", 4),
        ("ניוז", 4),
        ("新闻", 4),
        ("cafe\u0301", 4),
        ("أَخبار", 5),
        ("ニュース", 8),
        ("", 0),
    ],
)
def test_columns(text: str, count: int) -> None:
    assert columns(text) == count
