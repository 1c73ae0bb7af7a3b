"""When a feed would be asked, and why then, in an editor's words. Pure; the rules are pace.py's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from courant.feeds import pace
from courant.feeds.fetching.fetch import Told
from courant.feeds.pace import Wishes
from courant.feeds.raw import RawRhythm

_HOURS, _DAYS = frozenset(range(24)), frozenset(range(7))
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Timing:
    """``every`` is what passes between two visits, give or take.

    ``is_stretched``: because nothing came for long. ``hours`` says what skipHours and skipDays
    leave, such as "only at 06:00 UTC"; "" where that is everything, or nothing.
    """

    every: timedelta
    is_stretched: bool
    hours: str


def timing(
    rhythm: RawRhythm, told: Told | None, dates: Sequence[datetime], now: datetime
) -> Timing:
    """As gather would wait after this visit. ``dates`` are the articles'."""
    own = pace.own_interval(dates, now) or pace.USUAL
    wait = pace.wait_after(own, [date for date in dates if date <= now], now)
    wishes = pace.wishes(rhythm)
    asked = max(wishes.every, pace.fresh_for(told, now) if told else timedelta(0))
    return Timing(max(wait, asked), is_stretched=wait > max(own, asked), hours=_left(wishes))


def _left(wishes: Wishes) -> str:
    if wishes.skip_hours >= _HOURS or wishes.skip_days >= _DAYS:
        # Who never wants us does not mean it.
        return ""
    return " and ".join(filter(None, (_days(wishes.skip_days), _clock(wishes.skip_hours))))


def _clock(skipped: frozenset[int]) -> str:
    if not skipped:
        return ""
    left = _HOURS - skipped
    some, word = (left, "only") if len(left) <= len(skipped) else (skipped, "not")
    return f"{word} {_listed(_runs(some))} UTC"


def _days(skipped: frozenset[int]) -> str:
    if not skipped:
        return ""
    left = _DAYS - skipped
    some, word = (left, "only") if len(left) <= len(skipped) else (skipped, "not")
    return f"{word} on {_listed([_NAMES[day] for day in sorted(some)])}"


def _runs(hours: frozenset[int]) -> Iterator[str]:
    """Hours one after another as one span, also over midnight."""
    for first in sorted(hour for hour in hours if (hour - 1) % 24 not in hours):
        last = first
        while (last + 1) % 24 in hours:
            last = (last + 1) % 24
        yield f"at {first:02}:00" if first == last else f"from {first:02}:00 to {last:02}:59"


def _listed(words: Iterator[str] | Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
