"""Feeds that pages name: the corpus's discovery pages, the odd ones, and pages made to be slow."""

import gzip
import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.discover import feeds_named, known_place, usual_places, without_feed_scheme

PAGE = "https://site.example/news/index.html"


def named(html: str, url: str = PAGE) -> list[str]:
    return [one.url for one in feeds_named(html.encode(), "text/html; charset=utf-8", url)]


def read(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def alternate(href: str, kind: str = "application/rss+xml", title: str = "") -> str:
    return f'<link rel="alternate" type="{kind}" title="{title}" href="{href}">'


@pytest.mark.parametrize(
    ("html", "found"),
    [
        (alternate("/rss"), ["https://site.example/rss"]),
        (alternate("rss"), ["https://site.example/news/rss"]),
        ("<LINK TYPE=application/atom+xml REL=Alternate HREF=/a>", ["https://site.example/a"]),
        ("<link href='/a' type='application/feed+json' rel='alternate'/>", [PAGE[:20] + "/a"]),
        ('<base href="https://cdn.example/x/">' + alternate("a"), ["https://cdn.example/x/a"]),
        (alternate("a") + '<base href="https://cdn.example/">', ["https://site.example/news/a"]),
        ('<base href="/x/"><base href="/y/">' + alternate("a"), ["https://site.example/x/a"]),
        (alternate("/rss?a=1&amp;b=2"), ["https://site.example/rss?a=1&b=2"]),
        (alternate("feed://other.example/x"), ["http://other.example/x"]),
        (alternate("/rss") + alternate("/rss"), ["https://site.example/rss"]),
        (
            alternate("/comments/feed", title="Comments") + alternate("/feed", title="News"),
            ["https://site.example/feed", "https://site.example/comments/feed"],
        ),
        (
            '<a href="/rss.xml">RSS</a>' + alternate("/atom"),
            ["https://site.example/atom", "https://site.example/rss.xml"],
        ),
        ('<a href="?feed=rss2">RSS</a>', ["https://site.example/news/index.html?feed=rss2"]),
        # These are no feeds.
        ("<!-- " + alternate("/rss") + " -->", []),
        ("<!-- " + alternate("/rss"), []),
        ("<script>" + alternate("/rss"), []),
        ("<script>'" + alternate("/rss") + "'</script>", []),
        ("<title>" + alternate("/rss") + "</title>", []),
        (alternate("javascript:alert(1)"), []),
        (alternate("http://["), []),
        ('<link rel="stylesheet" type="text/xml" href="/x.xml">', []),
        ('<link rel="alternate" hreflang="de" href="/de">', []),
        (alternate("/wp-json/wp/v2/pages/2", "application/json"), []),
        ('<a href="/feedback">Tell us</a> <a href="/newsfeed.html">News</a>', []),
        ('<a href="https://reader.example/subscribe/feed/https://site.example">+</a>', []),
    ],
)
def test_a_page_names_its_feeds(html: str, found: list[str]) -> None:
    assert named(html) == found


def test_kind_and_title_are_the_pages_words_without_its_tricks() -> None:
    [feed] = feeds_named(
        alternate("/a", "application/atom+xml", "Caf&eacute; \u202eevil\x1b[31m").encode(), "", PAGE
    )

    assert (feed.kind, feed.title) == ("Atom", "Café evil[31m")


def test_the_usual_places_are_few_and_on_the_same_site() -> None:
    places = usual_places("https://site.example/a/b?c=d")

    assert places[0] == "https://site.example/feed"
    assert len(places) <= 5


@pytest.mark.parametrize(
    ("url", "feed"),
    [
        ("https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv", "channel_id=UCabcde"),
        ("https://youtube.com/playlist?list=PL0123456789ab", "playlist_id=PL0123456789ab"),
        ("https://www.youtube.com/@somebody", None),
        ("https://example.com/channel/UCabcdefghijklmnopqrstuv", None),
    ],
)
def test_some_addresses_give_their_feed_away(url: str, feed: str | None) -> None:
    found = known_place(url)

    assert (found is None) if feed is None else (found is not None and feed in found)


def test_a_channels_page_gives_its_feed() -> None:
    html = '<script>{"externalId":"UCabcdefghijklmnopqrstuv"}</script>'

    [url] = named(html, "https://www.youtube.com/@somebody")
    assert url.endswith("?channel_id=UCabcdefghijklmnopqrstuv")
    assert named(html) == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("feed:https://a.example/x", "https://a.example/x"),
        ("feed://a.example/x", "http://a.example/x"),
        ("https://a.example/feed:x", "https://a.example/feed:x"),
    ],
)
def test_the_feed_scheme_is_only_a_wrapping(written: str, meant: str) -> None:
    assert without_feed_scheme(written) == meant


def test_the_corpus_pages_of_the_validator_name_the_feed_they_are_about(shared: Path) -> None:
    folder = shared / "corpora/feeds/w3c-feedvalidator/feedfinder-tests"
    pages = sorted(folder.glob("html4-*.html"))
    assert len(pages) >= 20
    for page in pages:
        first, *_ = feeds_named(page.read_bytes(), "text/html", f"https://site.example/{page.name}")
        assert first.url.endswith(f"/{page.stem}.xml"), page.name


@pytest.mark.parametrize(
    ("page", "feed"),
    [
        ("capyreader-feedfinder/arstechnica.html.gz", "http://feeds.arstechnica.com/arstechnica/"),
        ("capyreader-feedfinder/theverge.html.gz", "https://site.example/rss/index.xml"),
        ("capyreader-feedfinder/test_index.html", "https://site.example/news/atom.xml"),
        ("codehollow-feedreader/Html/codehollow.html.gz", "https://codehollow.com/feed/"),
        ("codehollow-feedreader/Html/theverge.html", "https://site.example/rss/index.xml"),
        ("feeder/model/slashdot.html.gz", "http://rss.slashdot.org/Slashdot/slashdotMain"),
        ("netnewswire/coco.html.gz", "https://site.example/feed/all/"),
        ("netnewswire/furbo.html", "http://furbo.org/feed/"),
        ("netnewswire/sixcolors.html.gz", "http://feedpress.me/sixcolors"),
    ],
)
def test_the_corpus_home_pages_name_their_feed_first(shared: Path, page: str, feed: str) -> None:
    path = shared / "corpora/feeds" / page

    assert feeds_named(read(path), "text/html", PAGE)[0].url.startswith(feed)


def test_pages_of_the_corpus_that_are_no_site_name_nothing_that_is_no_web_address(
    shared: Path,
) -> None:
    index = (shared / "corpora/feeds/index.jsonl").read_text("utf-8").splitlines()
    cases = [json.loads(line) for line in index]
    pages = [case["input"] for case in cases if case["kind"] in {"page", "discovery-page"}]
    assert len(pages) > 40
    for page in pages:
        for one in feeds_named(read(shared / "corpora/feeds" / page), "text/html", PAGE):
            assert re.fullmatch(r"https?://[^\s<>\"]+", one.url), page


HOSTILE = (
    *("<!--", "<script>", "<title", "<ScRipt></script ", '<a href="', "<a href='\"", "<a x='\""),
    *(
        "<link ",
        "<base href=x ",
        "<a ",
        "a ",
        "<",
        "</",
        "&",
        '"channelId":"UC',
        '<a href="x.rss">',
    ),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_a_pages_length_alone(piece: str) -> None:
    def seconds(length: int) -> float:
        page = ("<a " + piece * (length // len(piece))).encode()
        started = time.perf_counter()
        feeds_named(page, "text/html; charset=utf-8", PAGE)
        return time.perf_counter() - started

    # Were it quadratic, the longer would take a hundred times as long; noise takes its part.
    assert seconds(400_000) < 30 * max(seconds(40_000), 0.01)


@given(st.lists(st.sampled_from([*HOSTILE, alternate("/x"), ">", " ", "é", "\x00"])))
def test_no_page_is_too_odd(pieces: list[str]) -> None:
    for one in feeds_named("".join(pieces).encode(), "", PAGE):
        assert one.url.startswith(("http://", "https://"))
