"""When a reader who moves to another slot leaves the old one and begins in the new. Pure.

Each local date is served once: by the old slot what it has served or alone still can today, by the
new one what comes after. Two slots of one cadence share their editions, so where both count a
reader the ledger mails them once, and an overlap is harmless. Between cadences it is not: there
the new slot begins after the last date that the old one serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from courant.newsletter import Newsletter
from courant.schedule import Slot, occurrences, zone_of

# Zones are 26 hours apart at most, and no edition starts unattended after two days: what is
# further away than this has no say in today.
_NEAR = timedelta(days=4)
# From an edition's start to its cut: a queue, composing, and a retry or two.
_COMPOSING = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Handover:
    """``gone_at``: no edition cut then or later counts them in the old slot; ``active_from``: none
    cut before counts them in the new. ``served``: the last local date of the slots left behind.
    """

    gone_at: datetime
    active_from: datetime
    served: date | None


def handover(
    newsletter: Newsletter,
    old: Slot,
    new: Slot,
    now: datetime,
    *,
    since: datetime,
    served: date | None = None,
) -> Handover:
    """What moving from one slot to another at ``now`` means.

    Args:
        newsletter: as it is now; a cadence that it has not serves nothing.
        old: the slot they are in.
        new: another.
        now: UTC.
        since: when their stay in the old slot began.
        served: what a handover before said, of the slots before the old one.
    """
    had = [(day, at) for day, at in _past(newsletter, old, now) if at >= since]
    last = had[-1] if had else None
    upcoming = {day for day, _ in occurrences(newsletter, new, now, now + _NEAR)}
    for day, at in occurrences(newsletter, old, now, now + _NEAR):
        # Of today, and of a date whose hour has gone by where they move to, nobody else brings
        # the news. From the next day on it is as they chose.
        if day <= _reached(newsletter, old, new, now) and day not in upcoming:
            last = day, at
    if last is not None:
        served = last[0] if served is None else max(served, last[0])
    gone_at = now if last is None else max(now, _counted_until(newsletter, old, last[1]))
    return Handover(gone_at, _beginning(newsletter, old, new, now, served), served)


def _past(newsletter: Newsletter, slot: Slot, now: datetime) -> Iterator[tuple[date, datetime]]:
    return occurrences(newsletter, slot, now - _NEAR, now)


def _reached(newsletter: Newsletter, old: Slot, new: Slot, now: datetime) -> date:
    """The last date that is today where they are, or whose hour went by where they go."""
    today = now.astimezone(zone_of(newsletter, old)).date()
    went_by = [day for day, _ in occurrences(newsletter, new, now - _NEAR, now, any_day=True)]
    return max([today, *went_by])


def _counted_until(newsletter: Newsletter, slot: Slot, instant: datetime) -> datetime:
    """By when the edition of an instant has been cut, but before the slot's next comes."""
    latest = instant + newsletter.max_lateness + _COMPOSING
    return min([latest, *(at for _, at in occurrences(newsletter, slot, instant, latest))])


def _beginning(
    newsletter: Newsletter, old: Slot, new: Slot, now: datetime, served: date | None
) -> datetime:
    if old.cadence == new.cadence or new.cadence not in newsletter.cadences or served is None:
        # Should the old slot's edition not have come after all, the new one's does.
        return now
    next_day = datetime.combine(served + timedelta(days=1), time(), zone_of(newsletter, new))
    return max(now, next_day.astimezone(UTC))
