"""What makes two entries the same article."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.feeds.document import Document, read_document
from courant.feeds.identity import Identity, article_id, halves, identify, piece_id
from tests.conftest import HandClock

BASE = "https://example.org/"
Entry = tuple[str, Sequence[str], str]


def one(guid: str, link: str, title: str = "Title") -> Identity:
    """Who an entry is that is alone in its document."""
    (found,) = who((guid, [link], title))
    return found


def who(*entries: Entry) -> list[Identity]:
    """Who the entries of a document are."""
    found = identify(entries, BASE)
    assert None not in found
    return [identity for identity in found if identity]


def same(before: Identity, after: Identity) -> bool:
    return bool(set(before.keys) & set(after.keys))


def test_article_is_its_url() -> None:
    first = one("id-1", "https://example.org/a?utm_source=x", "One title")
    second = one("id-2", "https://example.org/a#top", "Another title")

    assert first.article_id == second.article_id == article_id("https://example.org/a")
    assert len(first.article_id) == 32


def test_keys_are_short_hexadecimals() -> None:
    for key in one("id-1", "/a").keys + one("", "/a").keys:
        assert re.fullmatch("[0-9a-f]{16}", key)


@pytest.mark.parametrize(
    ("before", "after", "known"),
    [
        pytest.param(("1", "/a", "T"), ("2", "/a", "T"), True, id="guid regenerated"),
        pytest.param(("1", "/a", "T"), ("1", "/b", "T"), True, id="link rewritten"),
        pytest.param(("1", "/a", "T"), ("1", "/a", "U"), True, id="title edited"),
        pytest.param(("1", "/a", "T"), ("1", "/b", "U"), True, id="title and slug edited"),
        pytest.param(("1", "/a", "T"), ("2", "/a", "U"), False, id="permanent page"),
        pytest.param(("1", "/a", "T"), ("2", "/b", "T"), False, id="the same title again"),
        pytest.param(("1", "/a", "T"), ("2", "/b", "U"), False, id="another piece"),
        pytest.param(("", "/a", "T"), ("", "/a", "U"), True, id="no guid, title edited"),
        pytest.param(("", "/a", "T"), ("", "/b", "T"), False, id="no guid, another link"),
        pytest.param(("", "/a", "T"), ("1", "/a", "T"), True, id="guid added"),
        pytest.param(("1", "/a", "T"), ("", "/a", "T"), True, id="guid dropped"),
        pytest.param(
            ("1", "http://example.org/a", "T"), ("2", "https://www.example.org/a/", "T"), True,
            id="https, www. and slash, new guids",
        ),
        pytest.param(
            ("http://example.org/a", "http://example.org/a", "T"),
            ("https://example.org/a", "https://example.org/a", "U"),
            True,
            id="https where the guid is the link, and title edited",
        ),
        pytest.param(
            ("", "http://example.org/a", "T"), ("", "https://example.org/a", "U"), True,
            id="https without guid, and title edited",
        ),
        pytest.param(
            ("http://old.example/?p=1", "http://old.example/a", "T"),
            ("http://old.example/?p=1", "https://new.example/a", "T"),
            True,
            id="domain moved, guids stay",
        ),
        pytest.param(
            ("1", "/a", "T"), ("2", "/a?utm_source=x#xtor=RSS-1", "T"), True, id="tracked"
        ),
        pytest.param(
            ("1", "/a", "“Caf\u00e9”: a talk"), ("2", "/a", "Caf\u00e9 – A talk"), True,
            id="typography",
        ),
        pytest.param(("1", "/a", "Day 21"), ("2", "/a", "Day 22"), False, id="numbers count"),
        pytest.param(("1", "/a", "…"), ("2", "/a", "?!"), False, id="no words in the title"),
        pytest.param(
            ("", "/p#2026-11-21", "T"), ("", "/p#2026-11-22", "U"), False,
            id="no guid, pieces at a page's fragments",
        ),
        pytest.param(
            ("/p", "/p#2026-11-21", "T"), ("/q", "/p#2026-11-22", "T"), False,
            id="pieces of the same title at a page's fragments",
        ),
        pytest.param(
            ("1", "/#/a", "T"), ("2", "/#/b", "T"), False, id="routes are pages"
        ),
    ],
)  # fmt: skip
def test_what_is_known_again(
    before: tuple[str, str, str], after: tuple[str, str, str], *, known: bool
) -> None:
    assert same(one(*before), one(*after)) == known


def test_first_usable_link_counts() -> None:
    (found,) = who(("", ["urn:x", "/a", "https://example.org/b"], ""))

    assert found.url == "https://example.org/a"
    assert len(found.keys) == 2


def test_entry_without_a_usable_link_is_nobody() -> None:
    assert identify([("id-1", [], "T"), ("id-2", ["urn:x"], "U")], BASE) == (None, None)


def test_guid_shared_by_different_links_identifies_nothing() -> None:
    first, second = who(("0", ["/a"], "T"), ("0", ["/b"], "U"))

    assert not same(first, second)
    assert not same(first, one("0", "/c", "V"))
    # Then the link does, as if there were no guid.
    assert same(first, one("", "/a", "edited"))


def test_guid_and_link_of_the_same_words_are_different_keys() -> None:
    assert not same(
        one("https://example.org/a", "/elsewhere", "T"), one("", "https://example.org/a", "U")
    )


def test_pieces_at_one_link_are_different_articles() -> None:
    pieces = who(("1", ["/changes"], "2.0"), ("2", ["/changes"], "1.9"), ("3", ["/a"], "A"))

    assert len({piece.article_id for piece in pieces}) == 3
    assert [piece.url for piece in pieces] == [f"{BASE}changes", f"{BASE}changes", f"{BASE}a"]
    assert not same(pieces[0], pieces[1])


def test_fragments_that_tell_pieces_apart_stay_in_their_links() -> None:
    pieces = who(
        ("/now", ["/now#2026-11-22"], "Notes"),
        ("/now", ["/now#2026-11-21"], "Notes"),
        ("/a", ["/a#comments"], "A"),
    )

    assert [piece.url for piece in pieces] == [
        f"{BASE}now#2026-11-22",
        f"{BASE}now#2026-11-21",
        f"{BASE}a",
    ]
    assert len({piece.article_id for piece in pieces}) == 3
    assert not same(pieces[0], pieces[1])


def test_tracking_fragments_tell_nothing_apart() -> None:
    first, second = who(("1", ["/a#xtor=RSS-1"], "T"), ("2", ["/a#xtor=RSS-2"], "T"))

    assert first.article_id == second.article_id
    assert first.url == second.url == f"{BASE}a"


def test_the_same_piece_twice_is_one_article() -> None:
    first, second = who(("1", ["/a"], "T"), ("2", ["/a?utm_source=x"], " t "))

    assert first.article_id == second.article_id == article_id(f"{BASE}a")
    assert same(first, second)


def test_piece_that_was_alone_at_its_link_is_known_in_company() -> None:
    for guid in ("1", ""):
        alone = one(guid, "/changes", "1.9")
        newer, older = who(("2", ["/changes"], "2.0"), (guid, ["/changes"], "1.9"))

        assert same(alone, older)
        assert not same(alone, newer)
        assert newer.article_id not in {alone.article_id, older.article_id}


def test_new_piece_of_a_known_page_has_the_id_that_it_has_in_company() -> None:
    alone = one("2", "/changes", "2.0")
    together, _ = who(("2", ["/changes"], "2.0"), ("1", ["/changes"], "1.9"))

    assert piece_id(alone.url, alone.keys[0]) == together.article_id != alone.article_id


def test_piece_has_its_id_whatever_place_on_the_page_its_link_names() -> None:
    key = one("1", "/a").keys[0]

    assert piece_id(f"{BASE}a#x", key) == piece_id(f"{BASE}a", key)
    assert piece_id(f"{BASE}#/x", key) != piece_id(f"{BASE}#/y", key)


def test_first_key_shows_link_and_title() -> None:
    first, second, third = (one("1", "/a", "T"), one("2", "/a#x", "U"), one("3", "/b", "T"))

    assert halves(first.keys[0])[0] == halves(second.keys[0])[0]
    assert halves(first.keys[0])[1] == halves(third.keys[0])[1]
    assert halves(first.keys[0])[0] != halves(third.keys[0])[0]
    assert halves(first.keys[0])[1] != halves(second.keys[0])[1]


SMALL = st.lists(
    st.tuples(
        st.sampled_from(["", "1", "2", "http://example.org/a"]),
        st.lists(
            st.sampled_from(["/a", "/b", "/a#x", "/a#y", "/a#!/r", "urn:x", "http://[", "/b?pk_"]),
            max_size=2,
        ),
        st.sampled_from(["", "T", "U", "t.", "\ud800"]),
    ),
    max_size=6,
)  # fmt: skip


@given(SMALL)
def test_any_document_is_identified_soundly(entries: list[Entry]) -> None:
    found = identify(entries, BASE)

    assert len(found) == len(entries)
    articles: dict[str, str] = {}
    urls: dict[str, str] = {}
    for identity in filter(None, found):
        # No key leads to two articles, no article to two addresses.
        for key in identity.keys:
            assert articles.setdefault(key, identity.article_id) == identity.article_id
        assert urls.setdefault(identity.article_id, identity.url) == identity.url
        assert 1 <= len(set(identity.keys)) == len(identity.keys) <= 2


@given(SMALL)
def test_order_and_company_change_no_first_key(entries: list[Entry]) -> None:
    alone = [identify([entry], BASE)[0] for entry in entries]
    together = identify(entries, BASE)

    assert together == tuple(reversed(identify(entries[::-1], BASE)))
    for before, after in zip(alone, together, strict=True):
        assert (before is None) == (after is None)
        if before and after:
            # Whoever was alone is known again by this one, whatever comes beside it.
            assert before.keys[0] == after.keys[0]


def page_of_notes(shared: Path, clock: HandClock) -> Document:
    feeds = shared / "corpora" / "feeds"
    path = next(feeds.rglob("journal.miso.town-*.feed.gz"), None)
    if path is None:
        pytest.skip("the corpus has no journal.miso.town")
    return read_document(
        gzip.decompress(path.read_bytes()),
        "application/xml",
        "https://journal.miso.town/atom",
        feed_id="f",
        now=clock(),
    )


def test_real_page_of_notes_is_told_apart(shared: Path, clock: HandClock) -> None:
    document = page_of_notes(shared, clock)
    notes = [item for item in document.items if "/site/now.html#" in item.article.url]

    assert len(notes) >= 30
    assert len({key for item in notes for key in item.keys}) >= 2 * len(notes)
