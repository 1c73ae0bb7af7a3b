"""A newsletter's feeds read at this moment, without a table: what a preview composes from.

The same fetch and the same reading as gather's; what is new to whom is not asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import assert_never
from urllib.parse import unquote, urlsplit

from courant.articles import Article
from courant.errors import FeedError
from courant.feeds.fetching.fetch import Fetched, Fetcher, FetchFailed, NotModified
from courant.feeds.sandbox.sandbox import Sandbox
from courant.feeds.store import feed_id
from courant.newsletter import Newsletter
from desk.demo import paper
from desk.feed_folder import FeedFolder
from desk.feed_server import Document

_AT_ONCE, _READERS = 16, 2
# Sections' feeds are web addresses; those of a folder's files are never asked for.
_FOLDER = "http://feeds.invalid"


@dataclass(frozen=True, slots=True)
class Reading:
    """One feed: its articles, or the sentence that says why there are none."""

    url: str
    articles: tuple[Article, ...] = ()
    error: str | None = None

    @property
    def name(self) -> str:
        """The feed as an editor knows it: its address, or its file."""
        return unquote(self.url.removeprefix(f"{_FOLDER}/"))


Fetch = Callable[[str], Document | Fetched]


def from_web(newsletter: Newsletter) -> Fetch:
    """Asks the feeds' servers."""
    fetcher = Fetcher(contact_url=f"https://{newsletter.sender.domain}")

    def fetch(url: str) -> Fetched:
        match fetcher.fetch(url):
            case Fetched() as fetched:
                return fetched
            case FetchFailed(error):
                raise error
            case NotModified():
                raise FeedError(url, "it says that nothing changed, though nothing was known")
            case never:
                assert_never(never)

    return fetch


def from_paper(now: datetime) -> Fetch:
    """Takes the feeds of the demo's paper from this package; other addresses have nothing."""
    # Three days are written, so by today all of them came out.
    source = paper.Paper((now - timedelta(days=2)).date(), lambda: now)
    return lambda url: _found(url, source.document(urlsplit(url).path))


def from_folder(folder: Path, newsletter: Newsletter) -> tuple[Newsletter, Fetch]:
    """The newsletter with a folder's files for feeds, its sub-folders for sections."""
    files = FeedFolder(folder)
    sections = files.sections(lambda file: f"{_FOLDER}{file.url_path}")

    def fetch(url: str) -> Document:
        return _found(url, files.document(unquote(urlsplit(url).path)))

    return newsletter.model_copy(update={"sections": sections}), fetch


def read_all(urls: Iterable[str], fetch: Fetch, now: datetime) -> Iterator[Reading]:
    """Every feed, in the order in which they are done."""
    with Sandbox(workers=_READERS) as sandbox, ThreadPoolExecutor(_AT_ONCE) as pool:
        jobs = [pool.submit(_read, url, fetch, sandbox, now) for url in urls]
        for job in as_completed(jobs):
            yield job.result()


def candidates(readings: Iterable[Reading]) -> Mapping[str, tuple[Article, ...]]:
    """Feed URL → its articles, as ``choose`` takes them."""
    return {reading.url: reading.articles for reading in readings}


def _found(url: str, document: Document | None) -> Document:
    if document is None:
        raise FeedError(url, "there is no such feed")
    return document


def _read(url: str, fetch: Fetch, sandbox: Sandbox, now: datetime) -> Reading:
    try:
        got = fetch(url)
        # After a redirect, links are relative to where it led, as gather reads them.
        where = got.url if isinstance(got, Fetched) else url
        id_ = feed_id(url)
        document = sandbox.read_feed(got.body, got.content_type, where, feed_id=id_, now=now)
    except FeedError as error:
        return Reading(url, error=error.reason)
    except Exception as error:  # noqa: BLE001 - the isolation point of one feed
        return Reading(url, error=f"it can't be read ({type(error).__name__})")
    return Reading(url, tuple(item.article for item in document.items))
