"""The dates of RSS and Atom, read as feedparser reads them: the usual two forms quickly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# RFC 822 with a year of four digits, and RFC 3339.
_RFC822 = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{1,2}) (" + "|".join(_MONTHS) + r") ([0-9]{4})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|UTC|Z|([+-])([0-9]{2})([0-9]{2}))"
)
_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,6})?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


def parse_date(text: str) -> Sequence[int] | None:
    """Year, month, day, hour, minute, second in UTC; None where feedparser finds no date."""
    if match := _RFC3339.fullmatch(text):
        year, month, day = match[1], int(match[2]), match[3]
    elif match := _RFC822.fullmatch(text):
        year, month, day = match[3], _MONTHS.index(match[2]) + 1, match[1]
    else:
        return _slowly(text)
    clock = (int(match[4]), int(match[5]), int(match[6]))
    try:
        instant = datetime(int(year), month, int(day), *clock, tzinfo=UTC)
        if match[7]:
            ahead = timedelta(hours=int(match[8]), minutes=int(match[9]))
            instant += ahead if match[7] == "-" else -ahead
    except (ValueError, OverflowError):
        return _slowly(text)
    return instant.timetuple()


def _slowly(text: str) -> Sequence[int] | None:
    if not text:
        return None
    # Late, since feedparser takes a tenth of a second to load and most feeds don't need it.
    from feedparser.datetimes import _parse_date

    try:
        parsed: Sequence[int] | None = _parse_date(text)
    except Exception:  # noqa: BLE001 - some odd dates end it, and one date is not worth a feed
        return None
    return parsed
