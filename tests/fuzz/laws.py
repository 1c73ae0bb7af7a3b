"""Laws of what reads strangers' bytes: no unexpected exception, and nothing unprintable comes out.

Each takes bytes or text, and raises if a law is broken. tests/test_feeds_fuzz.py tries them on what
Hypothesis thinks of, ``python -m tests.fuzz`` (``make fuzz``) on what leads into new branches.
"""

from __future__ import annotations

import re
import socket
import time
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import cast

from courant.articles import Image
from courant.errors import FeedRefused, FeedUnreadable
from courant.feeds import dates, identity
from courant.feeds.cleaning import clean
from courant.feeds.cleaning.summary import SUMMARY_CHARS, clean_summary, is_whole
from courant.feeds.document import read_document
from courant.feeds.fetching import guard
from courant.feeds.fetching.http_answer import Answer, BadAnswer
from courant.feeds.fetching.unpack import ENCODINGS, unpack
from courant.feeds.pages.page import read_page
from courant.feeds.parsing.decode import decode
from courant.feeds.parsing.prolog import check_structure, without_doctype
from courant.feeds.raw import RawText

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
URL = "https://feeds.example.org/feed"
MIB = 1024 * 1024

_WEB = re.compile(r"https?://[a-z0-9._\[\]:-]+/[!-~]*")
_ID = re.compile(r"[0-9a-f]{32}")
# What turns text around or hides in it.
_BIDI = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_BOMB = re.compile(r"<!(doctype(?!\s{1,20}html\s{0,20}>)|entity)", re.IGNORECASE)


def printable(text: str | None, limit: int) -> None:
    """One line of text that shows what it says."""
    if text is None:
        return
    assert len(text) <= limit, len(text)
    assert text == " ".join(text.split()), text
    assert not _BIDI.search(text), text
    assert unicodedata.is_normalized("NFC", text), text
    for character in text:
        assert unicodedata.category(character) not in {"Cc", "Cs"}, text


def web_address(url: str | None) -> None:
    """An ASCII URL on the web, in its one spelling."""
    if url is not None:
        assert _WEB.fullmatch(url), url
        assert len(url) <= guard.MAX_URL_CHARS, url


def picture(image: Image | None) -> None:
    """An address that can stand in an attribute and in a style."""
    if image is not None:
        assert re.fullmatch(r"https?://[!-~]+", image.url), image.url
        assert not set(image.url) & set("\"'<>\\^`{|}"), image.url
        assert len(image.url) <= 4 * guard.MAX_URL_CHARS, image.url


def url_guard(text: str) -> None:
    """``check_url`` knows or refuses, and knows again what it has written itself."""
    for url in (text, f"http://{text}", f"https://example.org/{text}"):
        with suppress(FeedRefused):
            web = guard.check_url(url)
            web_address(web.url)
            assert guard.check_url(web.url) == web
            # The address that was checked is the one that is asked for.
            assert web.url == f"{web.scheme}://{web.authority}{web.target}"
            with suppress(FeedRefused):
                found = guard.check_addresses(web, [web.host], frozenset())
                assert found == (web.host,)
                assert not re.match(r"(127|10|0|169\.254|192\.168)\.", web.host)


def prolog(text: str) -> None:
    """No declaration is left before the root element."""
    rest = without_doctype(text)
    assert text.endswith(rest)
    root = re.search(r"<[A-Za-z_]", rest)
    if rest != text and root:
        assert not _BOMB.search(rest, 0, root.start())
    with suppress(ValueError):
        check_structure(text)


def date(text: str) -> None:
    """An aware instant or None."""
    instant = dates.from_text(text)
    if instant is not None:
        assert instant.utcoffset() is not None
        believed = dates.believable([instant], NOW)
        assert believed is None or dates.EARLIEST <= believed <= NOW


def cleaner(text: str) -> None:
    """Whatever it is, one line of plain text comes out, and comes out again."""
    plain = clean.plain_text(text)
    printable(plain, len(text) * 4)
    assert clean.plain_text(plain) == plain
    for raw in (RawText(text), RawText(text, is_html=True)):
        printable(clean.clean_title(raw), clean.TITLE_CHARS)
        printable(clean.clean_name(raw), clean.NAME_CHARS)
        printable(clean_summary(raw), SUMMARY_CHARS)
        is_whole(raw)
    printable(clean.clean_author((text, text[::-1])), 3 * clean.NAME_CHARS + 4)
    printable(clean.clean_language(text), 40)
    clean.mixes_scripts(text)


def canonical(text: str) -> None:
    """One spelling, which is its own."""
    head, _, tail = text.partition("\n")
    for url, base in ((text, ""), (f"https://example.org/{text}", ""), (tail, head), (text, URL)):
        found = identity.canonical_url(url, base)
        if found is not None:
            web_address(found)
            assert identity.canonical_url(found) == found, url


def document(body: bytes, content_type: str = "", url: str = URL) -> None:
    """Articles whose every word may be printed and every address followed, or FeedUnreadable."""
    decode(body, content_type).encode()
    try:
        read = read_document(body, content_type, url, feed_id="f" * 32, now=NOW)
    except FeedUnreadable as error:
        printable(error.reason, 500)
        return
    printable(read.title, clean.NAME_CHARS)
    assert len(read.drops) <= min(read.dropped, 20)
    for sentence in read.drops:
        printable(sentence, 500)
    if read.home:
        web_address(read.home)
    ids = [item.article.id for item in read.items]
    assert len(set(ids)) == len(ids) <= 500
    for item in read.items:
        article = item.article
        assert item.keys
        assert _ID.fullmatch(article.id)
        web_address(article.url)
        assert article.title
        printable(article.title, clean.TITLE_CHARS)
        printable(article.summary, SUMMARY_CHARS)
        printable(article.source, 300)
        printable(article.author, 3 * clean.NAME_CHARS + 4)
        printable(article.language, 40)
        printable(article.section, clean.TITLE_CHARS)
        assert article.first_seen == NOW
        assert article.published is None or dates.EARLIEST <= article.published <= NOW
        assert article.words is None or article.words > 0
        picture(article.image)


def page(body: bytes) -> None:
    """A page's facts may be printed too, or it is FeedUnreadable."""
    try:
        read = read_page(body, "text/html", URL, now=NOW)
    except FeedUnreadable as error:
        printable(error.reason, 500)
        return
    for text in (read.title, read.section, read.author, read.language):
        printable(text, 400)
    printable(read.lede, 2000)
    web_address(read.canonical_url)
    picture(read.image)
    assert read.published is None or dates.EARLIEST <= read.published <= NOW
    assert read.words is None or read.words > 0


def answer(data: bytes) -> None:
    """An HTTP answer: status, clean headers and a bounded body, or BadAnswer."""
    with suppress(BadAnswer):
        read = Answer(cast("socket.socket", _Line(data)), b"GET", time.monotonic() + 60)
        assert 100 <= read.status <= 999
        for name, value in read.headers.items():
            assert name == name.lower()
            assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value)
        encoding = read.headers.get("content-encoding", "")
        body = unpack(read.body(MIB), encoding if encoding in ENCODINGS else "", MIB)
        assert len(body) <= MIB


class _Line:
    """As much of a socket as an answer needs; hands out odd pieces."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._size = len(data) % 61 + 1

    def settimeout(self, _: float) -> None:
        """Nothing to wait for."""

    def sendall(self, _: bytes) -> None:
        """Nobody listens."""

    def recv_into(self, buffer: memoryview) -> int:
        """The next piece; nothing at the end."""
        size = min(self._size, len(buffer), len(self._data))
        buffer[:size], self._data = self._data[:size], self._data[size:]
        return size


def _text(law: Callable[[str], None]) -> Callable[[bytes], None]:
    # Bytes that are no UTF-8 become lone surrogates, which JSON feeds can hold too.
    return lambda data: law(data.decode("utf-8", "surrogateescape"))


# Name → law over bytes, for the fuzzer.
LAWS: dict[str, Callable[[bytes], None]] = {
    "guard": _text(url_guard),
    "prolog": _text(prolog),
    "date": _text(date),
    "cleaner": _text(cleaner),
    "canonical": _text(canonical),
    "document": document,
    "page": page,
    "answer": answer,
}
