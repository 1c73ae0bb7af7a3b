"""Lets days pass on a stack: the clock goes from one due instant to the next, nobody waits.

The heartbeat and the handlers decide everything; here is only when to look. Shortly before an
edition is due the feeds are read again, as they would be by a heartbeat each minute.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from courant.editions.model import CLOSED_PRESSINGS
from courant.editions.store import EditionStore
from courant.newsletter import Newsletter
from courant.schedule import Slot, next_after, zone_of
from courant.subscribers.lists import MemberLists
from desk.stack import Failure, Stack

MINUTE = timedelta(minutes=1)
# When the feeds are read before an edition is due; gather leaves 15 minutes or more in between.
_BEFORE = timedelta(minutes=5)
# Heartbeats after a due instant. An edition that is not over by then waits for readers elsewhere.
_BEATS = 10
_OPENS = (6, 45)


@dataclass(slots=True)
class HandClock:
    """Stands still until it is moved, and never goes back."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at

    def move_to(self, at: datetime) -> None:
        """Let it be ``at``."""
        self.at = max(self.at, at)


def day_start(newsletter: Newsletter, slots: Iterable[Slot], now: datetime) -> datetime:
    """A quarter to seven of today, or of the first day on which something is due (aware)."""
    hour, minute = _OPENS
    zone = zone_of(newsletter, Slot(next(iter(newsletter.cadences))))
    today = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    due = first_due(newsletter, slots, today - MINUTE)
    if due is None or due < today + timedelta(days=1):
        return today
    return due.astimezone(zone).replace(hour=0, minute=0)


def first_due(newsletter: Newsletter, slots: Iterable[Slot], after: datetime) -> datetime | None:
    """When the next of the slots is due (UTC), strictly after an instant."""
    return min((next_after(newsletter, slot, after) for slot in slots), default=None)


def day_after(newsletter: Newsletter, start: datetime, days: int) -> datetime:
    """The same time of day so many days later, by the newsletter's clock."""
    zone = zone_of(newsletter, Slot(next(iter(newsletter.cadences))))
    return (start.astimezone(zone) + timedelta(days=days)).astimezone(start.tzinfo)


@dataclass(slots=True)
class Days:
    """A stack on which time passes. ``dead``: messages that ended in a dead-letter queue."""

    stack: Stack
    clock: HandClock
    newsletter: Newsletter
    dead: list[Failure] = field(default_factory=list)

    def pass_day(self, begin: datetime, end: datetime) -> None:
        """Let everything happen that is due in ``[begin, end)``."""
        slots = MemberLists(self.stack.table("subscribers")).slots(self.newsletter.id)
        after = begin - timedelta(seconds=1)
        due = first_due(self.newsletter, slots, after)
        self._read_feeds(min(begin, due - _BEFORE) if due else begin)
        while due is not None and due < end:
            self._read_feeds(due - _BEFORE)
            self._beat(due)
            for _ in range(_BEATS):
                if not self._something_runs():
                    break
                self._beat(self.clock.at + MINUTE)
            due = first_due(self.newsletter, slots, self.clock.at)

    def _read_feeds(self, at: datetime) -> None:
        self.clock.move_to(at)
        # One beat enqueues so many feeds and no more; the rest waits for the next.
        while self._beat(self.clock.at)["feeds"]:
            self.clock.move_to(self.clock.at + timedelta(seconds=1))

    def _beat(self, at: datetime) -> dict[str, Any]:
        self.clock.move_to(at)
        beat: dict[str, Any] = self.stack.tick()
        self.dead += self.stack.pump().dead
        return beat

    def _something_runs(self) -> bool:
        """Whether another beat may bring an edition further; one may wait for later zones."""
        editions = EditionStore(self.stack.table("content"))
        return any(
            edition.closes_at <= self.clock.at
            or any(
                record.state not in CLOSED_PRESSINGS for record in editions.pressings(edition.id)
            )
            for edition in editions.open()
        )
