"""When an article says it was published: strangers' dates → instants worth believing.

A date only orders articles; what is new is decided by when we first saw it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)


def from_struct(parsed: Sequence[int] | None) -> datetime | None:
    """feedparser's date, which is in UTC and may be any nonsense; None for nonsense."""
    if parsed is None:
        return None
    try:
        year, month, day, hour, minute, second = parsed[:6]
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def from_text(text: str) -> datetime | None:
    """An ISO 8601 (JSON Feed) or RFC 5322 date; UTC where no zone is given; None for others."""
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            instant = parse(text.strip()[:64])
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def believable(candidates: Iterable[datetime], now: datetime) -> datetime | None:
    """The first date of the web's time that is not in the future.

    None leaves it to when we first saw the article, so that no date lifts one to the top.
    """
    return next((date for date in candidates if EARLIEST <= date <= now), None)
