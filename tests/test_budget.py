"""What is left out of a digest that would be too long, to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from courant.editions.budget import LIMIT, Chosen, fit
from courant.editions.pressing import Piece, Sheet
from tests.test_digest import press, story

HEAVY = 5_000


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    """Two sections, of two stories and of one. Their closings weigh something."""
    (sheet,) = press({"a": [story("a1"), story("a2")], "b": [story("b1")]}).sheets
    sections = tuple(
        replace(each, closing=replace(each.closing, size=HEAVY)) for each in sheet.sections
    )
    return replace(sheet, sections=sections)


def everything(sheet: Sheet) -> list[Chosen]:
    return [(section, section.stories) for section in sheet.sections]


def frame(sheet: Sheet) -> int:
    pieces = (sheet.head, sheet.greeting, sheet.top, sheet.dropped, sheet.foot)
    return sheet.own_size + sum(piece.size for piece in pieces)


def kept(sheet: Sheet, limit: int) -> list[tuple[str, int]]:
    return [(section.id, len(stories)) for section, stories in fit(sheet, everything(sheet), limit)]


def sizes(*pieces: Piece) -> int:
    return sum(piece.size for piece in pieces)


@pytest.mark.parametrize(("room", "left"), [(0, [("a", 2), ("b", 1)]), (-1, [("a", 1), ("b", 1)])])
def test_the_fullest_section_gives_when_a_byte_is_missing(
    sheet: Sheet, room: int, left: list[tuple[str, int]]
) -> None:
    a, b = sheet.sections
    whole = frame(sheet) + sizes(
        *(a.opening, a.stories[0].lead, a.stories[1].plain, a.closing),
        *(b.opening, b.stories[0].plain, b.closing),
    )

    assert kept(sheet, whole + room) == left


@pytest.mark.parametrize(("room", "left"), [(0, [("a", 1), ("b", 1)]), (-1, [("a", 1)])])
def test_among_equals_the_last_goes_with_its_opening_and_closing(
    sheet: Sheet, room: int, left: list[tuple[str, int]]
) -> None:
    a, b = sheet.sections
    firsts = frame(sheet) + sizes(
        *(a.opening, a.stories[0].lead, a.closing), *(b.opening, b.stories[0].plain, b.closing)
    )

    assert kept(sheet, firsts + room) == left


@pytest.mark.parametrize(("room", "left"), [(0, [("a", 1)]), (-1, [])])
def test_the_very_first_story_is_the_last_to_go(
    sheet: Sheet, room: int, left: list[tuple[str, int]]
) -> None:
    a = sheet.sections[0]
    first = frame(sheet) + sizes(a.opening, a.stories[0].lead, a.closing)

    assert kept(sheet, first + room) == left


@pytest.mark.parametrize("name", ["head", "greeting", "top", "dropped", "foot"])
def test_every_piece_of_the_frame_is_weighed(sheet: Sheet, name: str) -> None:
    heavy: dict[str, Piece] = {name: replace(getattr(sheet, name), size=LIMIT)}

    assert fit(replace(sheet, **heavy), everything(sheet)) == ()  # type: ignore[arg-type]  # a piece


def test_what_a_reader_adds_is_weighed(sheet: Sheet) -> None:
    assert fit(replace(sheet, own_size=LIMIT), everything(sheet)) == ()


@pytest.mark.parametrize("chosen", [[], [0], [0, 1]])
def test_sections_without_stories_are_left_out(sheet: Sheet, chosen: Sequence[int]) -> None:
    empty: list[Chosen] = [(sheet.sections[at], ()) for at in chosen]

    assert fit(sheet, empty) == ()
