"""One feed, from due to done: claim → fetch → read → store → finish.

Calls the others in order and records what became of it. One feed's failure is a value, never an
exception; what DynamoDB refuses is raised, because then nothing could be recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import assert_never

from courant import log
from courant.articles import ArticleStore
from courant.errors import Conflict, FeedError, FeedUnreadable
from courant.feeds.document import Document, read_document
from courant.feeds.fetch import Fetched, Fetcher, FetchFailed, NotModified
from courant.feeds.store import Feed, FeedStore

INTERVAL = timedelta(minutes=30)
LONGEST_BACK_OFF = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The document was read: articles that are new, that were known, entries that were dropped."""

    new: int
    known: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The server or the body's hash says: the same as last time."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No articles, and the sentence that says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Busy:
    """Not due any more, dropped, or another gatherer has it: nothing was done."""


GatherOutcome = Gathered | Unchanged | Failed | Busy


def next_due(now: datetime, failures: int) -> datetime:
    """When to look again, after so many failures in a row."""
    # Five doublings are past the longest; without the bound, years of failures overflow.
    return now + min(INTERVAL * (1 << min(failures, 5)), LONGEST_BACK_OFF)


class Gatherer:
    """Gathers feeds into articles."""

    def __init__(self, feeds: FeedStore, articles: ArticleStore, fetcher: Fetcher) -> None:
        self._feeds = feeds
        self._articles = articles
        self._fetcher = fetcher

    def gather(self, feed_id: str, now: datetime) -> GatherOutcome:
        """Gather one feed if it is due.

        Raises:
            ClientError: DynamoDB failed; the feed is due again when its lease has run out.
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
        answer = self._fetcher.fetch(feed.url, etag=feed.etag, last_modified=feed.last_modified)
        match answer:
            case FetchFailed(error):
                return self._fail(feed, error, now)
            case NotModified():
                self._feeds.finish(feed, _succeeded(feed, now))
                return Unchanged()
            case Fetched():
                return self._take(feed, answer, now)
            case _:
                assert_never(answer)

    def _take(self, feed: Feed, fetched: Fetched, now: datetime) -> GatherOutcome:
        body_hash = sha256(fetched.body).hexdigest()
        current = replace(
            _succeeded(feed, now),
            etag=fetched.etag,
            last_modified=fetched.last_modified,
            body_hash=body_hash,
        )
        if body_hash == feed.body_hash:
            self._feeds.finish(feed, current)
            return Unchanged()
        document = _read(feed, fetched, now)
        if isinstance(document, FeedError):
            # The validators stay the old ones, or the next 304 would look like success.
            return self._fail(feed, document, now)
        present = frozenset(key for item in document.items for key in item.keys)
        outcome = self._keep(feed, document, present)
        self._feeds.finish(feed, replace(current, title=document.title or None, present=present))
        # After the row says so: an identity that fades while the row calls it present would end
        # while its article is still in the feed. One that never fades only costs its bytes.
        self._feeds.let_fade(feed.id, feed.present - present, now)
        return outcome

    def _keep(self, feed: Feed, document: Document, present: frozenset[str]) -> Gathered:
        # What was in the last document needs no look-up: its row was written before the feed's.
        stored, fading = self._feeds.known(feed.id, present - feed.present)
        known = stored | feed.present
        new = [item.article for item in document.items if known.isdisjoint(item.keys)]
        # Articles first: a crash in between stores one twice; the other order would lose it.
        self._articles.put(new)
        self._feeds.remember(feed.id, (present - known) | fading)
        return Gathered(len(new), len(document.items) - len(new), document.dropped)

    def _fail(self, feed: Feed, error: FeedError, now: datetime) -> Failed:
        failures = feed.failures + 1
        self._feeds.finish(
            feed,
            replace(
                feed,
                failures=failures,
                error=error.reason,
                failing_since=feed.failing_since or now,
                fetched_at=now,
                due_at=next_due(now, failures),
            ),
        )
        return Failed(error.reason)


def _read(feed: Feed, fetched: Fetched, now: datetime) -> Document | FeedError:
    try:
        return read_document(
            fetched.body, fetched.content_type, fetched.url, feed_id=feed.id, now=now
        )
    except FeedError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the isolation point of one feed
        log.error("gather", status="defect", feed=feed.id)
        return FeedUnreadable(feed.url, f"it can't be read ({type(error).__name__})")


def _succeeded(feed: Feed, now: datetime) -> Feed:
    return replace(
        feed,
        failures=0,
        error=None,
        failing_since=None,
        fetched_at=now,
        due_at=next_due(now, 0),
    )


def _log(feed_id: str, outcome: GatherOutcome) -> None:
    match outcome:
        case Gathered(new, known, dropped):
            log.event(
                "gather", status="gathered", feed=feed_id, new=new, known=known, dropped=dropped
            )
        case Unchanged():
            log.event("gather", status="unchanged", feed=feed_id)
        case Failed(reason):
            log.event("gather", status="failed", feed=feed_id, reason=reason)
        case Busy():
            log.event("gather", status="busy", feed=feed_id)
        case _:
            assert_never(outcome)
