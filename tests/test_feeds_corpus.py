"""Real feeds and other projects' test feeds, read from the shared corpus, never copied here."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from courant.errors import FeedUnreadable
from courant.feeds.cleaning import clean
from courant.feeds.cleaning.summary import SUMMARY_CHARS
from courant.feeds.document import Document, read_document
from courant.feeds.parsing.parse import parse_feed
from courant.feeds.raw import RawText

FEEDS = Path(__file__).parents[2] / "shared" / "corpora" / "feeds"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
# feedparser takes the attribute of <link uri="at://…">https://…</link> and drops its text.
NOT_OURS = "rss_channel_item_uri_at_protocol.xml"
URL = "https://feeds.example.org/feed"
FOLDERS = sorted(path.name for path in FEEDS.iterdir() if path.is_dir()) if FEEDS.is_dir() else []

pytestmark = pytest.mark.skipif(not FOLDERS, reason="../shared/corpora/feeds is not here")


def files(folder: str) -> Iterator[tuple[Path, bytes]]:
    for path in sorted((FEEDS / folder).rglob("*")):
        if path.is_file() and not path.name.startswith("_LICENCE"):
            body = path.read_bytes()
            yield path, gzip.decompress(body) if path.suffix == ".gz" else body


def read(body: bytes) -> Document:
    return read_document(body, "", URL, feed_id="f" * 32, now=NOW)


def assert_printable(text: str | None) -> None:
    for character in text or "":
        assert unicodedata.category(character) not in {"Cc", "Cs"}
        assert character not in "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_read_or_named_unreadable(folder: str) -> None:
    for path, body in files(folder):
        try:
            document = read(body)
        except FeedUnreadable:
            continue
        for item in document.items:
            article = item.article
            for text in (article.title, article.summary, article.source, article.author):
                assert_printable(text)
            assert article.title, path
            assert len(article.title) <= clean.TITLE_CHARS
            assert len(article.summary) <= SUMMARY_CHARS
            assert re.match(r"https?://[!-~]+$", article.url), path
            assert article.published is None or article.published <= NOW


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["fastfeedparser/benchmark", "nonlatin-blogs"])
def test_real_feeds_give_articles(folder: str) -> None:
    if folder.partition("/")[0] not in FOLDERS:
        pytest.skip(f"no {folder} here")
    counts = {}
    for path, body in files(folder):
        if path.suffix in {".json", ".txt", ".md"}:
            continue
        try:
            counts[path.name] = len(read(body).items)
        except FeedUnreadable:
            counts[path.name] = 0

    silent = [name for name, count in counts.items() if not count]
    assert len(silent) <= len(counts) // 10, silent


def test_titles_and_links_are_those_gofeed_finds() -> None:
    seen = 0
    differing: list[tuple[str, str, object]] = []
    for path in sorted((FEEDS / "gofeed").rglob("*.expected.json")):
        source = path.with_name(path.name.removesuffix(".expected.json"))
        try:
            expected: Any = json.loads(path.read_text())
            feed = parse_feed(source.read_bytes(), "", URL)
        except (ValueError, OSError, FeedUnreadable):
            continue
        for wanted, entry in zip(expected.get("items") or [], feed.entries, strict=False):
            title, link = wanted.get("title"), wanted.get("link")
            if isinstance(title, str) and title:
                seen += 1
                if clean.clean_title(entry.title) != clean.clean_title(RawText(title)):
                    differing.append((source.name, title, entry.title))
            if isinstance(link, str) and link.startswith("http"):
                seen += 1
                if link not in entry.links[:1] and source.name != NOT_OURS:
                    differing.append((source.name, link, entry.links))

    assert seen > 20
    assert not differing
