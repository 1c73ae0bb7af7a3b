"""A feed's row in the content table, as a dataclass and as DynamoDB keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from courant import aws
from courant.clock import from_stamp, stamp
from courant.feeds.pace import NO_WISHES, USUAL, Sighting, Wishes

_KEY_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed's row.

    ``url`` is the editor's; ``address``, where the feed moved for good, is asked instead, and
    ``moved`` is a move not yet believed. ``etag`` and ``last_modified`` came from
    ``validated_url``. ``present`` are the identity keys in the latest document.
    ``told_today`` articles were told on the UTC day ``told_on``, numbered since year 1.
    ``interval`` is the feed's own pace, ``newest`` the latest date in its document, None where it
    has none, ``news_at`` when it last brought news and ``weeks`` how much (pace.py). ``note`` says
    what was held back of the latest document. ``error`` is the sentence of the last failure, None
    while all is well; ``failures`` counts those in a row, since ``failing_since``. ``not_before``
    is the server's, whoever is in a hurry. ``going`` is a 410 not yet believed; ``gone_at`` set
    means: no more visits. ``begun_at`` is when the present visit began, or the first of those that
    died before it.
    """

    id: str
    url: str
    address: str | None = None
    moved: Sighting | None = None
    title: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    validated_url: str | None = None
    body_hash: str | None = None
    present: frozenset[str] = frozenset()
    wishes: Wishes = NO_WISHES
    interval: timedelta = USUAL
    newest: datetime | None = None
    news_at: datetime | None = None
    weeks: Mapping[int, int] = field(default_factory=dict)
    told_on: int = 0
    told_today: int = 0
    note: str | None = None
    failures: int = 0
    error: str | None = None
    failing_since: datetime | None = None
    going: Sighting | None = None
    gone_at: datetime | None = None
    not_before: datetime | None = None
    fetched_at: datetime | None = None
    due_at: datetime | None = None
    begun_at: datetime | None = None
    lease_until: datetime | None = None


def host_of(url: str) -> str:
    """The host that a URL is asked from; "" where it names none, and nobody asks."""
    return urlsplit(url).hostname or ""


def attributes(feed: Feed) -> dict[str, Any]:
    """What is written of a feed when it was gathered; None is an attribute that goes."""
    return {
        "url": feed.url,
        "address": feed.address,
        "host": host_of(feed.address or feed.url),
        "moved_to": feed.moved and feed.moved.to,
        "moved_since": feed.moved and stamp(feed.moved.since),
        "moved_times": feed.moved and feed.moved.times,
        "title": feed.title or None,
        "etag": feed.etag,
        "last_modified": feed.last_modified,
        "validated_url": feed.validated_url,
        "body_hash": feed.body_hash,
        # Bytes: a feed of 500 articles has a thousand keys, and every write pays for its row.
        "present": bytes.fromhex("".join(sorted(feed.present))) or None,
        "every": _seconds(feed.wishes.every) or None,
        "skip_hours": sorted(feed.wishes.skip_hours) or None,
        "skip_days": sorted(feed.wishes.skip_days) or None,
        "interval": _seconds(feed.interval),
        "newest": _stamp(feed.newest),
        "news_at": _stamp(feed.news_at),
        "weeks": {str(week): count for week, count in feed.weeks.items()} or None,
        "told_on": feed.told_on or None,
        "told_today": feed.told_today or None,
        "note": feed.note,
        "failures": feed.failures,
        "error": feed.error,
        "failing_since": _stamp(feed.failing_since),
        "going_since": feed.going and stamp(feed.going.since),
        "going_times": feed.going and feed.going.times,
        "gone_at": _stamp(feed.gone_at),
        "not_before": _stamp(feed.not_before),
        "fetched_at": _stamp(feed.fetched_at),
        "due_at": _stamp(feed.due_at),
    }


def from_item(item: aws.Item) -> Feed:
    """The feed of a row."""
    present = bytes(item.get("present", b""))
    return Feed(
        id=item["PK"].removeprefix("F#"),
        url=item["url"],
        address=item.get("address"),
        moved=Sighting(item["moved_to"], from_stamp(item["moved_since"]), int(item["moved_times"]))
        if "moved_to" in item
        else None,
        title=item.get("title"),
        etag=item.get("etag"),
        last_modified=item.get("last_modified"),
        validated_url=item.get("validated_url"),
        body_hash=item.get("body_hash"),
        present=frozenset(
            present[start : start + _KEY_BYTES].hex()
            for start in range(0, len(present), _KEY_BYTES)
        ),
        wishes=Wishes(
            every=timedelta(seconds=int(item.get("every", 0))),
            skip_hours=frozenset(map(int, item.get("skip_hours", ()))),
            skip_days=frozenset(map(int, item.get("skip_days", ()))),
        ),
        interval=timedelta(seconds=int(item["interval"])) if "interval" in item else USUAL,
        newest=_instant(item.get("newest")),
        news_at=_instant(item.get("news_at")),
        weeks={int(week): int(count) for week, count in item.get("weeks", {}).items()},
        told_on=int(item.get("told_on", 0)),
        told_today=int(item.get("told_today", 0)),
        note=item.get("note"),
        failures=int(item.get("failures", 0)),
        error=item.get("error"),
        failing_since=_instant(item.get("failing_since")),
        going=Sighting(item["url"], from_stamp(item["going_since"]), int(item["going_times"]))
        if "going_since" in item
        else None,
        gone_at=_instant(item.get("gone_at")),
        not_before=_instant(item.get("not_before")),
        fetched_at=_instant(item.get("fetched_at")),
        due_at=_instant(item.get("due_at")),
        begun_at=_instant(item.get("begun_at")),
        lease_until=_instant(item.get("lease_until")),
    )


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())


def _stamp(instant: datetime | None) -> str | None:
    return stamp(instant) if instant else None


def _instant(text: str | None) -> datetime | None:
    return from_stamp(text) if text else None
