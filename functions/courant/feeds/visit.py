"""What a visit makes of a feed's row: its state, its pace, and when the next one is due.

Pure. The visit itself is gather.py's, the arithmetic of waiting pace.py's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus

from courant.feeds import pace
from courant.feeds.document import Document
from courant.feeds.fetching.fetch import Fetched, Told
from courant.feeds.fresh import Fresh
from courant.feeds.row import Feed

# A visit that died is begun again under its own time, so that its articles are written over and
# not twice; but not for so long that they would be too old for an edition.
_BEGUN_AGAIN = timedelta(hours=12)


def seen_at(feed: Feed, now: datetime) -> datetime:
    """When this visit's articles were first seen."""
    begun = feed.begun_at
    return begun if begun and now - _BEGUN_AGAIN <= begun <= now else now


def is_first(feed: Feed) -> bool:
    """Whether nothing of this feed was ever read."""
    return feed.body_hash is None


def last_read(feed: Feed) -> datetime | None:
    """When we last knew what the feed holds, or soon after; None if we never did."""
    return feed.failing_since or feed.fetched_at


def unchanged(feed: Feed, told: Told, now: datetime) -> Feed:
    """The row after an answer that says, or whose body shows: the same as last time."""
    interval = feed.interval if feed.newest else pace.adapted(feed.interval, news=False)
    return _next(replace(_well(feed, told, now), interval=interval), told, now)


def read(feed: Feed, fetched: Fetched, document: Document, fresh: Fresh, now: datetime) -> Feed:
    """The row after a document that was read, ``fresh`` of it being news.

    The validators and the body's hash are still the caller's to set.
    """
    dates = [item.article.published for item in document.items if item.article.published]
    # The first document is no news of that day.
    news = bool(fresh.articles) and not is_first(feed)
    interval = pace.own_interval(dates, now)
    if interval is None and not is_first(feed):
        interval = pace.adapted(feed.interval, news=news)
    row = replace(
        _well(feed, fetched.told, now),
        title=document.title or None,
        present=frozenset(key for item in document.items for key in item.keys),
        wishes=pace.wishes(document.rhythm),
        interval=interval or feed.interval,
        newest=max(dates, default=None),
        news_at=now if news else feed.news_at,
        weeks=pace.brought(feed.weeks, len(fresh.articles), now),
        note=fresh.why,
    )
    return _next(row, fetched.told, now)


def failed(feed: Feed, reason: str, status: int | None, told: Told, now: datetime) -> Feed:
    """The row after a visit without articles. At an address it moved to, the old one is next."""
    row = replace(
        feed,
        address=None,
        moved=None if feed.address else feed.moved,
        failures=feed.failures + 1,
        error=reason,
        failing_since=feed.failing_since or now,
        fetched_at=now,
        not_before=_not_before(told, now),
    )
    if status == HTTPStatus.GONE and feed.address is None:
        return replace(row, gone_at=now, due_at=None)
    due_at = pace.next_visit(
        feed.id,
        now,
        pace.wait_after_failures(row.failures),
        floor=pace.retry_after(told, now),
        asked=feed.wishes,
    )
    return replace(row, due_at=due_at)


def _well(feed: Feed, told: Told, now: datetime) -> Feed:
    moved = pace.sighted(feed.moved, told.moved_to, now)
    address = feed.address
    if moved and pace.has_moved(moved, now):
        # It may have moved back to where the editor says it is.
        address, moved = (moved.to if moved.to != feed.url else None), None
    return replace(
        feed,
        address=address,
        moved=moved,
        failures=0,
        error=None,
        failing_since=None,
        fetched_at=now,
        not_before=_not_before(told, now),
    )


def _next(row: Feed, told: Told, now: datetime) -> Feed:
    due_at = pace.next_visit(
        row.id,
        now,
        pace.wait_after(row.interval, [row.newest, row.news_at], now),
        floor=max(pace.fresh_for(told, now), pace.retry_after(told, now)),
        asked=row.wishes,
    )
    return replace(row, due_at=due_at)


def _not_before(told: Told, now: datetime) -> datetime | None:
    wait = pace.retry_after(told, now)
    return now + wait if wait else None
