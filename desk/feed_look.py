"""An address as an editor has it (of a feed, site or file) → what is there, as gather reads it.

Talks; raises for nothing that a server or a file does. What it means is feed_facts.py's.
"""

from __future__ import annotations

import gzip
import re
import time
import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol, assert_never
from urllib.parse import quote

from courant.errors import FeedError
from courant.feeds.document import Document
from courant.feeds.fetching.fetch import Fetched, Fetcher, FetchFailed, NotModified, Told
from courant.feeds.fetching.resolve import NOT_FOUND
from courant.feeds.store import feed_id
from desk import discover, feed_markup
from desk.discover import NamedFeed
from desk.feed_folder import CONTENT_TYPES
from desk.feed_markup import Markup

# Of a page's feeds, how many are asked for until one can be read.
_TRIES = 3
# What a server may send, too (courant.feeds.fetching.fetch).
_BYTES_MAX = 10 * 1024 * 1024
# Where a file's relative links point: nowhere.
NO_SITE = "https://file.invalid/"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HOST = re.compile(r"[^\s/.]+\.[^\s/]*[^\W\d_][^\s/]*(?:/.*)?")
_WORD = re.compile(r"[a-z0-9-]+", re.IGNORECASE)
# What looks like a host ("feed.xml") and was meant as a file.
_ENDINGS = frozenset({*CONTENT_TYPES, ".gz", ".html", ".htm", ".opml", ".txt", ".yaml", ".yml"})
_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body|link|meta|title)\b", re.IGNORECASE)


class Reader(Protocol):
    """Bytes → articles, as ``Sandbox.read_feed``."""

    def __call__(
        self, body: bytes, content_type: str, url: str, *, feed_id: str, now: datetime
    ) -> Document:
        """Read it, or raise FeedUnreadable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is at an address.

    ``url`` is where it was in the end: after redirects, or the feed that the page ``page`` led to.
    ``named`` are all the feeds that page names. Without ``document``, ``error`` says why. ``told``
    are the answer's headers on coming again, and ``status`` its own.
    ``seconds`` is what asking and reading took.
    """

    asked: str
    url: str
    is_file: bool = False
    seconds: float = 0.0
    size: int | None = None
    status: int | None = None
    content_type: str = ""
    told: Told | None = None
    markup: Markup | None = None
    document: Document | None = None
    error: str | None = None
    page: str | None = None
    named: tuple[NamedFeed, ...] = ()

    @property
    def moved_to(self) -> str | None:
        """Where it moved for good, if its server says so."""
        return self.told.moved_to if self.told else None


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at addresses. Threads may share it."""

    fetcher: Fetcher
    read: Reader
    now: datetime

    def look(self, asked: str) -> Look:
        """What is there; where it is a site, what its feed holds."""
        started = time.perf_counter()
        try:
            if not asked.strip():
                found = Look(asked=asked, url=asked, error="it is an empty address")
            else:
                found = self._file(asked) if is_file(asked) else self._web(asked)
        except Exception as error:  # noqa: BLE001 - the isolation point of one address
            reason = f"it can't be read ({type(error).__name__})"
            found = Look(asked=asked, url=asked, error=reason)
        return replace(found, seconds=time.perf_counter() - started)

    def _file(self, asked: str) -> Look:
        path = Path(asked)
        try:
            body, name = _read(path)
        except OSError as error:
            return Look(asked=asked, url=asked, is_file=True, error=_why_no_file(path, error))
        if len(body) > _BYTES_MAX:
            reason = f"it holds more than {_BYTES_MAX // 1024 // 1024} MiB"
            return Look(asked=asked, url=asked, is_file=True, size=len(body), error=reason)
        url = NO_SITE + quote(name, errors="replace")
        content_type = CONTENT_TYPES.get(Path(name).suffix.lower(), "")
        found = self._examine(asked, body, content_type, url)
        if found.document is None and _is_page(body, content_type):
            # A file has no site to ask for more.
            found = replace(found, named=discover.feeds_named(body, content_type, url))
        return replace(found, url=asked, is_file=True, error=_of_file(found.error))

    def _web(self, asked: str) -> Look:
        address = _with_scheme(discover.without_feed_scheme(asked.strip()))
        known = discover.known_place(address)
        match self._ask(asked, known or address):
            case Look() as found:
                if known and found.document:
                    return replace(found, page=address)
                if found.error == NOT_FOUND and _may_be_a_file(asked):
                    reason = f"{NOT_FOUND} (and there is no file {asked} here)"
                    return replace(found, error=reason)
                return found
            case (Look() as found, Fetched() as page):
                return self._of_page(found, page)
            case never:
                assert_never(never)

    def _ask(self, asked: str, url: str) -> Look | tuple[Look, Fetched]:
        """What is at a URL; with the page itself if it is one."""
        match self.fetcher.fetch(url):
            case FetchFailed(error, status):
                return Look(asked=asked, url=url, status=status, error=error.reason)
            case NotModified():
                return Look(asked=asked, url=url, status=304, error="it says that nothing changed")
            case Fetched() as fetched:
                found = self._examine(asked, fetched.body, fetched.content_type, fetched.url)
                found = replace(found, status=200, told=fetched.told)
                if found.document is None and _is_page(fetched.body, fetched.content_type):
                    return found, fetched
                return found
            case never:
                assert_never(never)

    def _examine(self, asked: str, body: bytes, content_type: str, url: str) -> Look:
        found = Look(asked=asked, url=url, size=len(body), content_type=content_type)
        try:
            document = self.read(body, content_type, url, feed_id=feed_id(url), now=self.now)
        except FeedError as error:
            return replace(found, error=error.reason)
        return replace(found, document=document, markup=feed_markup.examine(body, content_type))

    def _of_page(self, found: Look, page: Fetched) -> Look:
        """The best feed that a page leads to."""
        named = discover.feeds_named(page.body, page.content_type, page.url)
        places = [one.url for one in named[:_TRIES]]
        best: Look | None = None
        for url in dict.fromkeys((*places, *discover.usual_places(page.url))):
            if best and url not in places:
                # The page names feeds that can be read; nobody needs to guess.
                break
            tried = self._ask(found.asked, url)
            if isinstance(tried, tuple) or tried.document is None:
                continue
            if tried.document.items:
                return replace(tried, page=page.url, named=named)
            if not tried.document.dropped:
                best = best or replace(tried, page=page.url, named=named)
        return best or replace(found, named=named, error=_no_feed(len(named)))


def is_file(asked: str) -> bool:
    """Whether an editor means a file: it is there, or it can be no web address."""
    try:
        if "\0" not in asked and Path(asked).exists():
            return True
    except OSError:
        return False
    return "\0" not in asked and not (
        _SCHEME.match(asked.strip()) or _HOST.fullmatch(asked.strip())
    )


def _may_be_a_file(asked: str) -> bool:
    return not _SCHEME.match(asked) and Path(asked).suffix.lower() in _ENDINGS


def _with_scheme(address: str) -> str:
    # example.org:8080 begins like a scheme.
    named = _SCHEME.match(address)
    return address if named and not address[named.end() :][:1].isdigit() else f"https://{address}"


def _read(path: Path) -> tuple[bytes, str]:
    """A file's bytes, unpacked, and the name it has then."""
    if path.suffix.lower() == ".gz":
        try:
            with gzip.open(path) as packed:
                return packed.read(_BYTES_MAX + 1), path.stem
        except (gzip.BadGzipFile, EOFError, zlib.error):
            pass
    with path.open("rb") as file:
        return file.read(_BYTES_MAX + 1), path.name


def _why_no_file(path: Path, error: OSError) -> str:
    if path.is_dir():
        return f"it is a folder; give its files: {path / '*'}"
    if isinstance(error, FileNotFoundError) and len(path.parts) == 1:
        site = f"{path}.com" if _WORD.fullmatch(str(path)) else "example.com"
        return f"it is no address, and no file here; a site is written {site}"
    return f"the file can't be read: {error.strerror or error}"


def _of_file(error: str | None) -> str | None:
    """Nobody sent a file."""
    if error == "it sent an empty answer":
        return "it is empty"
    return error and re.sub("^it sent ", "it is ", error)


def _is_page(body: bytes, content_type: str) -> bool:
    return "html" in content_type.lower() or bool(_PAGE.search(body[:4096]))


def _no_feed(named: int) -> str:
    if not named:
        return "it is a web page that names no feed, and none is in the usual places"
    feeds = "a feed" if named == 1 else f"{named} feeds"
    return f"it is a web page that names {feeds}, but nothing there can be read"
