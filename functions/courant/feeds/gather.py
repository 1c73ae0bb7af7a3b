"""One feed, from due to done: claim → fetch → read → choose → store → finish.

Calls the others in order and records what became of it. One feed's failure is a value, never an
exception; what is not its fault is raised: DynamoDB's refusals, and that there is no reader.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Protocol, assert_never

from courant import log
from courant.articles import Article, ArticleStore
from courant.errors import Conflict, FeedError, FeedUnreadable
from courant.feeds import visit
from courant.feeds.document import Document
from courant.feeds.fetching.fetch import Fetched, Fetcher, FetchFailed, NotModified
from courant.feeds.fresh import Fresh, choose_fresh
from courant.feeds.pages import lacking
from courant.feeds.row import Feed
from courant.feeds.sandbox.sandbox import ReaderUnavailable
from courant.feeds.store import FeedStore

# For the pages of one visit's articles; what is left then is told as the feed tells it.
PAGES, PAGES_SECONDS = 10, 20.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """The document was read: articles that are new, that were known, entries that were dropped.

    ``held_back`` are unknown and told to nobody, being old or too many; ``why`` says so.
    """

    new: int
    known: int
    dropped: int
    held_back: int = 0
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The server or the body's hash says: the same as last time."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No articles, and the sentence that says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The server said for a day that there will never be any more (410): it is asked no more."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Not due any more, dropped, or another gatherer has it: nothing was done."""


GatherOutcome = Gathered | Unchanged | Failed | Gone | Busy


class Reader(Protocol):
    """Who makes a document of bytes: the sandbox."""

    def read_feed(
        self, body: bytes, content_type: str, url: str, *, feed_id: str, now: datetime
    ) -> Document:
        """The articles in a document; raises FeedUnreadable, or ReaderUnavailable."""


class Pages(Protocol):
    """Who reads an article's own page where the feed says too little."""

    def enrich(self, article: Article, now: datetime) -> Article:
        """The article, with what its page adds."""


class Gatherer:
    """Gathers feeds into articles. One a thread: the stores' tables are not for several."""

    def __init__(
        self,
        feeds: FeedStore,
        articles: ArticleStore,
        fetcher: Fetcher,
        reader: Reader,
        pages: Pages | None = None,
        *,
        backlog: bool = False,
    ) -> None:
        """``backlog``: tell everything unknown, however old and much (a demo of given files)."""
        self._feeds = feeds
        self._articles = articles
        self._fetcher = fetcher
        self._reader = reader
        self._pages = pages
        self._backlog = backlog

    def gather(self, feed_id: str, now: datetime) -> GatherOutcome:
        """Gather one feed if it is due.

        Raises:
            ClientError: DynamoDB failed; the feed is due again when its lease has run out.
            ReaderUnavailable: nobody could read what came; likewise.
        """
        feed = self._feeds.claim(feed_id, now)
        if feed is None:
            log.event("gather", status="busy", feed=feed_id)
            return Busy()
        try:
            outcome = self._gather(feed, now)
        except Conflict:
            # We were slower than our lease; whoever took over writes the row.
            log.error("gather", status="overtaken", feed=feed_id)
            return Busy()
        _log(feed_id, outcome)
        return outcome

    def _gather(self, feed: Feed, now: datetime) -> GatherOutcome:
        answer = self._fetcher.fetch(
            feed.address or feed.url,
            etag=feed.etag,
            last_modified=feed.last_modified,
            validated_url=feed.validated_url,
        )
        match answer:
            case FetchFailed():
                return self._fail(feed, answer, now)
            case NotModified(told):
                self._feeds.finish(feed, visit.unchanged(feed, told, now))
                return Unchanged()
            case Fetched():
                return self._take(feed, answer, now)
            case _:
                assert_never(answer)

    def _take(self, feed: Feed, fetched: Fetched, now: datetime) -> GatherOutcome:
        current = replace(
            feed,
            etag=fetched.etag,
            last_modified=fetched.last_modified,
            validated_url=fetched.url,
            body_hash=sha256(fetched.body).hexdigest(),
        )
        if current.body_hash == feed.body_hash:
            self._feeds.finish(feed, visit.unchanged(current, fetched.told, now))
            return Unchanged()
        document = self._read(feed, fetched, now)
        if isinstance(document, FeedError):
            # The validators stay the old ones, or the next 304 would look like success.
            return self._fail(feed, FetchFailed(document, None, fetched.told), now)
        fresh = self._choose(feed, document, now)
        row = replace(
            visit.read(feed, fetched, document, fresh, now),
            etag=current.etag,
            last_modified=current.last_modified,
            validated_url=current.validated_url,
            body_hash=current.body_hash,
        )
        # Each write before the one that would hide it: articles, then what fades, then the row.
        # A crash in between has them written again, the same.
        self._articles.put(self._enriched(fresh.articles, now))
        self._feeds.let_fade(feed.id, feed.present - row.present, now)
        self._feeds.finish(feed, row)
        known = len(document.items) - len(fresh.articles) - fresh.held_back
        return Gathered(len(fresh.articles), known, document.dropped, fresh.held_back, fresh.why)

    def _read(self, feed: Feed, fetched: Fetched, now: datetime) -> Document | FeedError:
        try:
            return self._reader.read_feed(
                fetched.body,
                fetched.content_type,
                fetched.url,
                feed_id=feed.id,
                now=now,
            )
        except FeedError as error:
            return error
        except ReaderUnavailable:
            # It is not the feed's fault: its lease runs out, and it is due again.
            log.error("gather", status="no_reader", feed=feed.id)
            raise
        except Exception as error:  # noqa: BLE001 - the isolation point of one feed
            log.error("gather", status="defect", feed=feed.id)
            return FeedUnreadable(feed.url, f"it can't be read ({type(error).__name__})")

    def _choose(self, feed: Feed, document: Document, now: datetime) -> Fresh:
        keys = frozenset(key for item in document.items for key in item.keys)
        # What is in the row needs no look-up, and of a new feed nothing can have left.
        new = feed.body_hash is None
        left = frozenset[str]() if new else self._feeds.known(feed.id, keys - feed.present)
        return choose_fresh(
            document.items,
            left | feed.present,
            first_run=visit.is_first(feed, now),
            now=now,
            seen_at=visit.seen_at(feed, now),
            last_read=visit.last_read(feed),
            newest=feed.newest,
            backlog=self._backlog,
            most=visit.may_tell(feed, now),
        )

    def _enriched(self, articles: Iterable[Article], now: datetime) -> Iterator[Article]:
        until, left = time.monotonic() + PAGES_SECONDS, PAGES
        for article in articles:
            if (
                self._pages is None
                or not lacking.too_little(article)
                or left == 0
                or time.monotonic() >= until
            ):
                yield article
                continue
            left -= 1
            try:
                yield self._pages.enrich(article, now)
            except Exception:  # noqa: BLE001 - a page only adds; without it the article still is one
                log.error("gather", status="page_defect", article=article.id)
                yield article

    def _fail(self, feed: Feed, answer: FetchFailed, now: datetime) -> Failed | Gone:
        reason = answer.error.reason
        row = visit.failed(
            feed, reason, answer.status, answer.told, now, redirected=answer.redirected
        )
        self._feeds.finish(feed, row)
        return Gone() if row.gone_at else Failed(reason)


def _log(feed_id: str, outcome: GatherOutcome) -> None:
    match outcome:
        case Gathered(new, known, dropped, held_back):
            log.event(
                "gather",
                status="gathered",
                feed=feed_id,
                new=new,
                known=known,
                dropped=dropped,
                held_back=held_back,
            )
        case Unchanged():
            log.event("gather", status="unchanged", feed=feed_id)
        case Failed(reason):
            log.event("gather", status="failed", feed=feed_id, reason=reason)
        case Gone():
            log.event("gather", status="gone", feed=feed_id)
        case Busy():
            log.event("gather", status="busy", feed=feed_id)
        case _:
            assert_never(outcome)
