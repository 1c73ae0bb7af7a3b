"""What makes two entries the same article."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.feeds.identity import Identity, article_id, canonical_url, identify

BASE = "https://example.org/"


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://Example.ORG:80", "http://example.org/"),
        ("https://example.org/a#comments", "https://example.org/a"),
        ("https://example.org/a?utm_source=rss&id=7&UTM_Medium=x", "https://example.org/a?id=7"),
        ("https://example.org/a?fbclid=x&gclid=y", "https://example.org/a"),
        ("https://example.org/a?source=rss&b", "https://example.org/a?b"),
        ("https://example.org/a?source=news", "https://example.org/a?source=news"),
        ("https://example.org/a?b=2&a=1&&", "https://example.org/a?b=2&a=1"),
        ("https://example.org/%7euser/%c3%a9", "https://example.org/~user/%C3%A9"),
        ("https://example.org/é b", "https://example.org/%C3%A9%20b"),
        ("https://Bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://example.org:8443/a", "https://example.org:8443/a"),
        ("  https://example.org/a\n", "https://example.org/a"),
        ("https://exa\nmple.org/a", "https://example.org/a"),
        ("/a/../b", "https://example.org/b"),
        ("//other.example/x", "https://other.example/x"),
        ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
        ("https://example.org/a?q=%26x%3D1", "https://example.org/a?q=%26x%3D1"),
    ],
)
def test_url_has_one_spelling(url: str, canonical: str) -> None:
    assert canonical_url(url, BASE) == canonical


@pytest.mark.parametrize(
    "url",
    [
        *("mailto:a@example.org", "javascript:alert(1)", "urn:uuid:1", "data:,x", "http://"),
        *("https://user:secret@example.org/", "http://[::1/", "http://a:port/", "http://a b/"),
        *('http://a"b/', "http://<b>/", "https://example.org/" + "a" * 3000),
    ],
)
def test_what_is_no_web_link_has_none(url: str) -> None:
    assert canonical_url(url, BASE) is None


@given(
    st.text(st.characters(exclude_categories=()))
    | st.lists(st.sampled_from([*"/?&=#%:@.+[] ", "%41", "%2f", "é", "utm_a=1", "a", ".."])).map(
        "".join
    )
)
def test_canonical_url_is_idempotent_ascii_or_none(text: str) -> None:
    for url in (text, f"https://example.org/{text}", f"http://{text}"):
        canonical = canonical_url(url, BASE)

        if canonical is not None:
            assert canonical_url(canonical) == canonical
            assert canonical.isascii()
            assert not set(canonical) & set(' "<>\\^`{}\n\t')


def test_article_is_its_url() -> None:
    (one,) = identify([("id-1", ["https://example.org/a?utm_source=x"])], BASE)
    (two,) = identify([("id-2", ["https://example.org/a#top"])], BASE)

    assert one is not None
    assert two is not None
    assert one.article_id == two.article_id == article_id("https://example.org/a")
    assert len(one.article_id) == 32
    assert set(one.keys) & set(two.keys)


def keys(found: Identity | None) -> set[str]:
    assert found is not None
    return set(found.keys)


def test_rewritten_link_is_known_by_its_guid() -> None:
    (before,) = identify([("id-1", ["https://example.org/a"])], BASE)
    (after,) = identify([("id-1", ["https://example.org/a-better-slug"])], BASE)

    assert keys(before) & keys(after)


def test_first_usable_link_counts() -> None:
    (found,) = identify([("", ["urn:x", "/a", "https://example.org/b"])], BASE)

    assert found is not None
    assert found.url == "https://example.org/a"
    assert len(found.keys) == 1


def test_entry_without_a_usable_link_is_nobody() -> None:
    assert identify([("id-1", []), ("id-2", ["urn:x"])], BASE) == (None, None)


def test_guid_shared_by_different_links_identifies_nothing() -> None:
    one, two = identify([("0", ["/a"]), ("0", ["/b"])], BASE)

    assert not keys(one) & keys(two)


def test_guid_and_link_of_the_same_words_are_different_keys() -> None:
    (one,) = identify([("https://example.org/a", ["https://example.org/a"])], BASE)

    assert len(keys(one)) == 2
