"""A body encoded in parts is the body encoded whole."""

import quopri
import re

from hypothesis import given
from hypothesis import strategies as st

from courant.delivery.quoted import body, joined

PLACES = ("c" + "0" * 32 + "c", "c" + "1" * 32 + "c")
# Dots, spaces and tabs at line ends, "=" and long words are what quoted-printable is careful with.
awkward = st.sampled_from([" ", "\t", ".", "=", "\r", "\u2028", "x" * 75, "x" * 76, "é", *PLACES])
letters = st.text(st.characters(codec="utf-8"), max_size=9)
line = st.lists(awkward | letters, max_size=6).map("".join)
whole_lines = line.map(lambda text: f"{text}\n".replace("\r\n", "\n"))
values = st.fixed_dictionaries(dict.fromkeys(PLACES, st.text("Ada é=.", max_size=80)))


def filled(fragments: list[str], values: dict[str, str]) -> str:
    page = "".join(fragments)
    for place, value in values.items():
        page = page.replace(place, value)
    return page


@given(st.lists(whole_lines, min_size=1, max_size=5), values)
def test_fragments_of_whole_lines_are_the_same_bytes(
    fragments: list[str], values: dict[str, str]
) -> None:
    assert joined(fragments, values) == body(filled(fragments, values))


@given(st.lists(line, min_size=1, max_size=5), values)
def test_fragments_that_end_anywhere_decode_to_the_same(
    fragments: list[str], values: dict[str, str]
) -> None:
    raw = joined(fragments, values)

    whole = filled(fragments, values)
    if any(fragments) and not whole.endswith("\n"):
        whole += "\n"
    expected = re.sub("\r\n|\r", "\n", whole)
    # A carriage return at a fragment's end is a line end of its own, also before a line feed.
    if "\r\n" not in whole:
        assert quopri.decodestring(raw).replace(b"\r\n", b"\n").decode() == expected
    # Where a line ends in a space, binascii lets it have two more; mail servers cut at 998.
    assert all(len(each) <= 76 for each in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_half_a_character_becomes_a_question_mark() -> None:
    assert body("a\ud83d") == b"a?\r\n"
    assert joined(["a\ud83d"], {}) == b"a?\r\n"
