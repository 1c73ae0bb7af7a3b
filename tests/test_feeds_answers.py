"""Findings that come back from the child process: the same, or nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.articles import Article, Image
from courant.feeds.document import Document, Item
from courant.feeds.sandbox import answers

IMAGES = st.builds(Image, st.text(), st.none() | st.integers(), st.none() | st.integers())
ARTICLES = st.builds(
    Article,
    id=st.text(),
    feed_id=st.text(),
    url=st.text(),
    title=st.text(),
    summary=st.text(),
    source=st.text(),
    first_seen=st.datetimes(timezones=st.just(UTC)),
    published=st.none() | st.datetimes(timezones=st.just(UTC)),
    author=st.none() | st.text(),
    image=st.none() | IMAGES,
    position=st.integers(),
)
DOCUMENTS = st.builds(
    Document,
    title=st.text(),
    items=st.lists(st.builds(Item, ARTICLES, st.lists(st.text()).map(tuple))).map(tuple),
    dropped=st.integers(),
)


@given(DOCUMENTS)
def test_what_is_found_comes_back_the_same(document: Document) -> None:
    assert answers.load(Document, answers.dump(document)) == document


@dataclass(frozen=True, slots=True)
class Small:
    """One field of each kind."""

    text: str
    number: int | None
    at: datetime
    parts: tuple[str, ...]


WRONG: tuple[object, ...] = (2.5, True, {}, [[1]])
GOOD: list[object] = ["a", 1, "2026-11-22T07:00:00+00:00", ["b"]]


@pytest.mark.parametrize(
    "bad",
    [
        *([*GOOD[:at], wrong, *GOOD[at + 1 :]] for at in range(4) for wrong in WRONG),
        *(GOOD[:3], [*GOOD, 1], {}, None, "abcd", 5, [None, *GOOD[1:]], [*GOOD[:2], None, []]),
        *([*GOOD[:2], "2026-11-22T07:00:00", []], [*GOOD[:2], "tomorrow", []], [*GOOD[:3], "b"]),
    ],
)
def test_what_was_not_asked_for_is_not_built(bad: object) -> None:
    assert answers.load(Small, json.dumps(GOOD).encode()).parts == ("b",)
    with pytest.raises(answers.AnswerInvalid):
        answers.load(Small, json.dumps(bad).encode())


@pytest.mark.parametrize("data", [b"", b"\xff", b"{", b"[" * 200_000, b"1" * 10_000, b"NaN"])
def test_what_is_no_json_is_not_built(data: bytes) -> None:
    with pytest.raises(answers.AnswerInvalid):
        answers.load(Small, data)
