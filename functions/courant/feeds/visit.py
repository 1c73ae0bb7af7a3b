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
from courant.feeds.fresh import DAY_MOST, FIRST_PERIOD, VISIT_MOST, Fresh
from courant.feeds.row import Feed

# A visit that died is begun again under its own time, so that its articles are written over and
# not twice; but not for so long that they would be too old for an edition.
_BEGUN_AGAIN = timedelta(hours=12)


def seen_at(feed: Feed, now: datetime) -> datetime:
    """When this visit's articles were first seen. Not what the time is: it may be hours ago."""
    begun = feed.begun_at
    return begun if begun and now - _BEGUN_AGAIN <= begun <= now else now


def is_first(feed: Feed, now: datetime) -> bool:
    """Whether what the feed has is no news of today: nothing was ever read of it, or not lately."""
    # As when the visit began: one that is begun again must not think otherwise.
    begun, read_at = seen_at(feed, now), last_read(feed)
    return _held_nothing(feed) or (read_at is not None and begun - read_at > FIRST_PERIOD)


def last_read(feed: Feed) -> datetime | None:
    """When we last knew what the feed holds, or soon after; None if we never did."""
    return feed.failing_since or feed.fetched_at


def may_tell(feed: Feed, now: datetime) -> int:
    """How many articles this visit may tell."""
    return min(VISIT_MOST, max(DAY_MOST - _told_today(feed, now), 0))


def unchanged(feed: Feed, told: Told, now: datetime) -> Feed:
    """The row after an answer that says, or whose body shows: the same as last time."""
    interval = feed.interval if feed.newest else pace.adapted(feed.interval, news=False)
    return _after(replace(_well(feed, told, now), interval=interval), told, now)


def read(feed: Feed, fetched: Fetched, document: Document, fresh: Fresh, now: datetime) -> Feed:
    """The row after a document that was read, ``fresh`` of it being news.

    The validators and the body's hash are still the caller's to set.
    """
    dates = [item.article.published for item in document.items if item.article.published]
    # The first document is no news of that day.
    first = _held_nothing(feed)
    news = bool(fresh.articles) and not first
    interval = pace.own_interval(dates, now)
    if interval is None and not first:
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
        told_on=now.toordinal(),
        told_today=_told_today(feed, now) + len(fresh.articles),
        note=fresh.why,
    )
    return _after(row, fetched.told, now)


def failed(
    feed: Feed,
    reason: str,
    status: int | None,
    told: Told,
    now: datetime,
    *,
    redirected: bool = False,
) -> Feed:
    """The row after a visit without articles. At an address it moved to, the old one is next.

    Only the feed's own server can say that it is gone, not one that we were ``redirected`` to.
    """
    says_gone = status == HTTPStatus.GONE and feed.address is None and not redirected
    row = replace(
        feed,
        address=None,
        moved=None if feed.address else feed.moved,
        failures=feed.failures + 1,
        error=reason,
        failing_since=feed.failing_since or now,
        going=pace.sighted(feed.going, feed.url if says_gone else None, now),
        fetched_at=now,
    )
    if pace.is_meant(row.going, now):
        return replace(row, going=None, gone_at=now, due_at=None, not_before=None)
    wait = pace.wait_after_failures(row.failures)
    return _next(row, wait, pace.retry_after(told, now), now)


def _well(feed: Feed, told: Told, now: datetime) -> Feed:
    moved = pace.sighted(feed.moved, told.moved_to, now)
    address = feed.address
    if moved and pace.is_meant(moved, now):
        # It may have moved back to where the editor says it is.
        address, moved = (moved.to if moved.to != feed.url else None), None
    return replace(
        feed,
        address=address,
        moved=moved,
        failures=0,
        error=None,
        failing_since=None,
        going=None,
        fetched_at=now,
    )


def _after(row: Feed, told: Told, now: datetime) -> Feed:
    wait = pace.wait_after(row.interval, [row.newest, row.news_at], now)
    return _next(row, wait, max(pace.fresh_for(told, now), pace.retry_after(told, now)), now)


def _next(row: Feed, wait: timedelta, floor: timedelta, now: datetime) -> Feed:
    spared = max(floor, row.wishes.every)
    return replace(
        row,
        due_at=pace.next_visit(row.id, now, wait, floor=floor, asked=row.wishes),
        not_before=now + spared if spared else None,
    )


def _held_nothing(feed: Feed) -> bool:
    # A document without entries is no start: what comes after it is as old as it is.
    return feed.body_hash is None or not (feed.present or feed.news_at)


def _told_today(feed: Feed, now: datetime) -> int:
    return feed.told_today if feed.told_on == now.toordinal() else 0
