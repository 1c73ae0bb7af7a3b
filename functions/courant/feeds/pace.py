"""When to come again to a feed: its own rhythm, what its server asks, and what went wrong.

Pure. Nobody waits for ever because a server said so: what its headers and its document ask counts
up to 12 hours, a Retry-After up to 24, and hours to be skipped up to three days.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from courant.feeds.dates import from_text

if TYPE_CHECKING:
    from courant.feeds.fetching.fetch import Told
    from courant.feeds.raw import RawRhythm

USUAL = timedelta(minutes=30)
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=12)
LONGEST_HINT, LONGEST_RETRY = timedelta(hours=12), timedelta(hours=24)
LONGEST_SKIP = timedelta(days=3)
# Of the wait, to either side: feeds registered together must not be due together for ever.
JITTER = 0.1
# A feed that fell silent is asked every twentieth of its silence.
_SILENCE = 20
_DATES = 20

_MEANT_TIMES, _MEANT_FOR = 3, timedelta(hours=24)
_WEEKS = 8

_NOW = timedelta(0)
_HOUR = timedelta(hours=1)
_PERIODS = {
    "hourly": _HOUR,
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBER = re.compile(r"\s*(\d+)\s*", re.ASCII)
_MAX_AGE = re.compile(r"\s*max-age\s*=\s*\"?(\d+)\"?\s*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a feed's document asks: not oftener than ``every``, and not at these hours (GMT).

    ``skip_days`` counts from Monday, which is 0.
    """

    every: timedelta = _NOW
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A permanent redirect, seen at so many successful visits in a row; or "gone" at failed ones.

    ``to`` is where it leads; of what is gone, the feed's own URL.
    """

    to: str
    since: datetime
    times: int = 1


NO_WISHES = Wishes()


def wishes(rhythm: RawRhythm) -> Wishes:
    """What a document's ``ttl``, ``sy:update…``, ``skipHours`` and ``skipDays`` ask.

    Sources: RSS 2.0 (ttl in minutes, hours 0–23 GMT; 0.91 says 1–24), RSS 1.0 module syndication.
    """
    ttl = timedelta(minutes=1) * _number(rhythm.ttl)
    hours = frozenset(
        _number(hour) % 24
        for hour in rhythm.skip_hours
        if _NUMBER.fullmatch(hour) and _number(hour) <= 24
    )
    days = frozenset(
        _DAYS.index(day) for name in rhythm.skip_days if (day := name.strip().lower()) in _DAYS
    )
    return Wishes(
        every=min(max(ttl, _syndication(rhythm)), LONGEST_HINT), skip_hours=hours, skip_days=days
    )


def fresh_for(told: Told, now: datetime) -> timedelta:
    """How long a server says its answer stays good, at most 12 hours (RFC 9111 §4.2, §5.3)."""
    directives = told.cache_control.lower().split(",")
    if {"no-cache", "no-store"} & {directive.strip() for directive in directives}:
        return _NOW
    ages = [match for each in directives if (match := _MAX_AGE.fullmatch(each))]
    if ages:
        lifetime = timedelta(seconds=_number(ages[0][1]) - _number(told.age))
    elif expires := from_text(told.expires):
        lifetime = expires - (from_text(told.date) or now)
    else:
        lifetime = _NOW
    return min(max(lifetime, _NOW), LONGEST_HINT)


def retry_after(told: Told, now: datetime) -> timedelta:
    """How long a server asks to be left alone, at most 24 hours (RFC 9110 §10.2.3)."""
    if _NUMBER.fullmatch(told.retry_after):
        wait = timedelta(seconds=_number(told.retry_after))
    elif until := from_text(told.retry_after):
        wait = until - (from_text(told.date) or now)
    else:
        wait = _NOW
    return min(max(wait, _NOW), LONGEST_RETRY)


def own_interval(dates: Iterable[datetime], now: datetime) -> timedelta | None:
    """Half the median gap between the latest articles; None if fewer than three dates tell."""
    latest = sorted({date for date in dates if date <= now}, reverse=True)[:_DATES]
    if len(latest) < 3:
        return None
    gaps = [(later - earlier).total_seconds() for later, earlier in pairwise(latest)]
    return _bounded(timedelta(seconds=median(gaps) / 2))


def adapted(interval: timedelta, *, news: bool) -> timedelta:
    """The interval of a feed without dates, after a visit that brought news or none."""
    return _bounded(interval / 2 if news else interval * 1.5)


def wait_after(interval: timedelta, news: Iterable[datetime | None], now: datetime) -> timedelta:
    """How long to wait after a good visit; longer, the longer ago the latest news is."""
    latest = max(filter(None, news), default=now)
    return _bounded(max(interval, (now - latest) / _SILENCE))


def wait_after_failures(failures: int) -> timedelta:
    """How long to wait after so many failures in a row (≥ 1)."""
    # Five doublings are past the longest; without the bound, years of failures overflow.
    return min(USUAL * (1 << min(failures - 1, 5)), LONGEST)


def next_visit(
    feed: str,
    now: datetime,
    wait: timedelta,
    *,
    floor: timedelta = _NOW,
    asked: Wishes = NO_WISHES,
) -> datetime:
    """When to visit the feed with this id after ``wait``, ± 10 %, known from id and instant.

    Never before ``floor`` or ``asked.every`` is over, both of which are the server's, and at an
    hour it does not want to be spared, if there is one within three days.
    """
    floor = max(floor, asked.every)
    luck = _luck(feed, now)
    # Where the server's word decides, only later will do.
    spread = max(wait, floor) * JITTER * (luck if wait > floor else abs(luck))
    at = now + max(max(wait, floor) + spread, floor)
    return _spared(at, asked, abs(luck) * _HOUR / 4)


def sighted(before: Sighting | None, moved_to: str | None, now: datetime) -> Sighting | None:
    """The sighting after a visit that was redirected for good to ``moved_to``, or wasn't."""
    if moved_to is None:
        return None
    if before is None or before.to != moved_to:
        return Sighting(moved_to, now)
    return Sighting(moved_to, before.since, before.times + 1)


def is_meant(sighting: Sighting | None, now: datetime) -> bool:
    """Whether it was seen often and long enough to be meant: three visits, a day from end to end.

    A redirect or a "gone" of an hour may be a mistake, or somebody's who broke in.
    """
    return (
        sighting is not None
        and sighting.times >= _MEANT_TIMES
        and now - sighting.since >= _MEANT_FOR
    )


def brought(weeks: Mapping[int, int], new: int, now: datetime) -> dict[int, int]:
    """Articles by week (numbered since year 1), the latest eight, with ``new`` more in this one."""
    this = now.toordinal() // 7
    # A clock that was ahead once has counted weeks that are still to come.
    kept = {week: count for week, count in weeks.items() if this - _WEEKS < week <= this}
    return kept | {this: kept.get(this, 0) + new} if new else kept


def articles_a_week(weeks: Mapping[int, int], now: datetime) -> float:
    """How many articles a feed brought a week, over the last eight or as long as we know it."""
    kept = brought(weeks, 0, now)
    return sum(kept.values()) / (now.toordinal() // 7 - min(kept) + 1) if kept else 0.0


def _bounded(interval: timedelta) -> timedelta:
    return max(SHORTEST, min(interval, LONGEST))


def _number(text: str) -> int:
    # Ten digits are more than any cap here; a thousand would overflow.
    return int(match[1][:10]) if (match := _NUMBER.fullmatch(text)) else 0


def _syndication(rhythm: RawRhythm) -> timedelta:
    period = rhythm.update_period.strip().lower()
    if not period and not rhythm.update_frequency.strip():
        return _NOW
    # The module's defaults: daily, once.
    return _PERIODS.get(period or "daily", _NOW) / (_number(rhythm.update_frequency) or 1)


def _luck(feed: str, now: datetime) -> float:
    """From -1 to 1, the same for the same visit."""
    digest = sha256(f"{feed} {now.timestamp()}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**47 - 1


def _spared(at: datetime, asked: Wishes, into_hour: timedelta) -> datetime:
    hour, last = at, at + LONGEST_SKIP
    while hour <= last:
        if hour.hour not in asked.skip_hours and hour.weekday() not in asked.skip_days:
            return hour
        full = hour.replace(minute=0, second=0, microsecond=0)
        hour = full + _HOUR + into_hour
    return at
