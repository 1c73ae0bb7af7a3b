"""Digests of real feeds and other projects' test feeds: every mail keeps what is promised of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from functools import cache
from html import unescape
from pathlib import Path

import pytest

from courant.articles import Article
from courant.delivery.digest import Digest, Reader, join, message
from courant.editions.budget import LIMIT
from courant.editions.pressing import Pressing
from courant.errors import ConfigurationError, FeedUnreadable
from courant.feeds.document import read_document
from courant.feeds.fetching.fetch import Fetched
from courant.feeds.store import feed_id
from courant.newsletter import Newsletter, Section
from desk import newsletter_file
from desk.commands import feeds_now
from desk.sample_digest import UNSUBSCRIBE_URL, compose_all, sample_readers

ROOT = Path(__file__).parents[1]
FEEDS = ROOT.parent / "shared" / "corpora" / "feeds"
FOLDERS = sorted(path.name for path in FEEDS.iterdir() if path.is_dir()) if FEEDS.is_dir() else []
# Six folders with news for six sections of fifty.
FULL = ("capyreader-feedfinder", "fastfeedparser", "feeder", "gofeed", "netnewswire", "rome")
LOOKS = ("broadsheet", "brief", "cards")
LOCALES = ("en", "ar")
NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
# What Gmail shows of a page before it hides the rest.
CLIP = 102_400
CUT_MARK = re.compile(r"<!--[0-9a-f]{32}:")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDERS, reason="../shared/corpora/feeds is not here"),
]


@cache
def news(folder: str) -> tuple[Newsletter, Mapping[str, tuple[Article, ...]]]:
    """The demo's newsletter with the folder's files for feeds, and what is in them."""
    demo = newsletter_file.load(ROOT / "newsletters" / "demo.yaml")
    try:
        letter, fetch = feeds_now.from_folder(FEEDS / folder, demo)
    except ConfigurationError:
        return demo, {}
    found = {}
    for url in letter.feeds:
        got = fetch(url)
        assert not isinstance(got, Fetched)
        try:
            read = read_document(got.body, got.content_type, url, feed_id=feed_id(url), now=NOW)
        except FeedUnreadable:
            continue
        found[url] = tuple(item.article for item in read.items)
    return letter, found


def with_limit(sections: Iterable[Section], limit: int) -> tuple[Section, ...]:
    return tuple(each.model_copy(update={"limit": limit, "per_feed": None}) for each in sections)


def links(html: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'href="([^"]*)"', html)]


def parsed(raw: bytes) -> tuple[str, str]:
    """(text, HTML), as Python's parser finds them."""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return _lines(text), _lines(html)


def _lines(part: MIMEPart) -> str:
    return str(part.get_content()).replace("\r\n", "\n").rstrip("\n")


def in_order(wanted: list[str], found: Iterable[str]) -> bool:
    """Whether the wanted links are there, first met in this order."""
    return list(dict.fromkeys(each for each in found if each in set(wanted))) == wanted


def check(pressing: Pressing, reader: Reader, urls: Mapping[str, str]) -> Digest | None:
    """What is promised of every mail. ``urls``: article id → where it leads."""
    digest = join(pressing, reader, UNSUBSCRIBE_URL)
    if digest is None:
        return None
    raw = message(pressing, digest, to="ada@example.org", now=NOW, unsubscribe_url=UNSUBSCRIBE_URL)

    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    text, html = parsed(raw)
    assert (text, html) == (digest.text.rstrip("\n"), digest.html.rstrip("\n"))
    assert len(html.encode()) <= CLIP
    for page in (html, text):
        assert not any(each in page for each in pressing.placeholders.all())
        assert not CUT_MARK.search(page)
        assert UNSUBSCRIBE_URL in page
    assert all((reader.name or "") in page for page in (html, text))
    stories = list(dict.fromkeys(urls[id_] for id_ in digest.stories))
    assert stories
    assert in_order(stories, links(html))
    assert in_order(stories, text.split())
    return digest


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_mail_of_a_folders_news_keeps_its_promises(folder: str) -> None:
    letter, found = news(folder)
    urls = {each.id: each.url for articles in found.values() for each in articles}
    sections = with_limit(letter.sections, 20)
    readers = [each.reader for each in sample_readers(letter)[:8]]
    made = 0
    for look in LOOKS:
        changed = letter.model_copy(update={"look": look, "sections": sections})
        pressing = compose_all(changed, found, NOW, locales=LOCALES)
        for reader in readers:
            for locale in LOCALES:
                made += check(pressing, replace(reader, locale=locale), urls) is not None

    # Who reads one section of several may have no news; who reads all has, if there is any.
    assert made >= len(LOOKS) * len(LOCALES) if urls else made == 0


@pytest.mark.parametrize("look", LOOKS)
def test_an_edition_with_too_much_news_is_filled_and_no_more(look: str) -> None:
    read = [(folder, *news(folder)) for folder in FULL]
    found = {url: articles for _, _, brought in read for url, articles in brought.items()}
    letter = read[0][1].model_copy(
        update={
            "look": look,
            "sections": with_limit(
                (
                    Section(id=folder, title=folder.title(), feeds=tuple(brought))
                    for folder, _, brought in read
                ),
                50,
            ),
        }
    )
    urls = {each.id: each.url for articles in found.values() for each in articles}
    pressing = compose_all(letter, found, NOW, locales=LOCALES)

    for locale in LOCALES:
        digest = check(pressing, Reader(name="Ada", locale=locale), urls)

        assert digest is not None
        assert digest.dropped > 0
        assert digest.own.dropped in digest.text
        assert LIMIT * 0.9 < len(digest.html.encode()) <= LIMIT
