"""What is due, decided from data alone. Nothing here reads a clock or a table.

Zones come from the pinned tzdata package (the functions run with an empty PYTHONTZPATH). On the
two odd nights of a year: a local time that the clock skips runs at the first minute after the gap,
one that the clock repeats runs once, the first time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim

from courant.policy import SUBSCRIBER_ZONE

if TYPE_CHECKING:
    from courant.newsletter import Cadence, Newsletter

_SLOT = re.compile(r"^([a-z0-9-]+)(?:@([A-Za-z0-9_+/-]+)@([01]\d|2[0-3]):([0-5]\d))?$")
_EDITION = re.compile(r"^([a-z0-9-]+)/([a-z0-9-]+)/(\d{4}-\d\d-\d\d)(?:\+([a-z0-9-]+))?$")


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """Who is due together.

    ``daily`` follows the cadence's own zone and hour wherever the editor moves them;
    ``daily@Asia/Tokyo@07:00`` is what readers of a ``timezone: subscriber`` cadence chose.
    """

    cadence: str
    zone: str | None = None
    time: str | None = None

    def __str__(self) -> str:
        return f"{self.cadence}@{self.zone}@{self.time}" if self.zone else self.cadence

    @classmethod
    def parse(cls, text: str) -> Self:
        """The slot that ``str`` wrote; ValueError for anything else."""
        if not (match := _SLOT.match(text)):
            raise ValueError(f"not a slot: {text!r}")
        cadence, zone, hour, minute = match.groups()
        return cls(cadence, zone, f"{hour}:{minute}" if zone else None)


@dataclass(frozen=True, slots=True, order=True)
class EditionId:
    """``morning/daily/2026-11-22``; an extra edition has a name: ``…+budget-day``."""

    newsletter: str
    cadence: str
    date: date
    extra: str | None = None

    def __str__(self) -> str:
        name = f"{self.newsletter}/{self.cadence}/{self.date.isoformat()}"
        return f"{name}+{self.extra}" if self.extra else name

    @classmethod
    def parse(cls, text: str) -> Self:
        """The id that ``str`` wrote; ValueError for anything else."""
        if not (match := _EDITION.match(text)):
            raise ValueError(f"not an edition: {text!r}; write newsletter/cadence/YYYY-MM-DD")
        newsletter, cadence, day, extra = match.groups()
        return cls(newsletter, cadence, date.fromisoformat(day), extra)

    @property
    def tag(self) -> str:
        """The id as an SES tag value, which allows ASCII letters, digits, ``_`` and ``-``."""
        return str(self).replace("/", "_").replace("+", "_x_")


@dataclass(frozen=True, slots=True)
class Due:
    """An edition's slots whose hour has come, and the nominal instant (UTC) when it came."""

    edition: EditionId
    instant: datetime
    slots: tuple[Slot, ...]
    too_late: bool = False


def due(
    newsletters: Iterable[Newsletter],
    slots: Mapping[str, Sequence[Slot]],
    since: datetime,
    now: datetime,
) -> tuple[Due, ...]:
    """What came due in ``(since, now]``, oldest first; ``slots`` are the live ones a newsletter.

    What is later than its newsletter's ``max_lateness`` comes out marked ``too_late``: it is
    recorded, never sent.
    """
    found: dict[tuple[EditionId, datetime], list[Slot]] = {}
    lateness = {newsletter.id: newsletter.max_lateness for newsletter in newsletters}
    for newsletter in newsletters:
        for slot in slots.get(newsletter.id, ()):
            for day, instant in occurrences(newsletter, slot, since, now):
                edition = EditionId(newsletter.id, slot.cadence, day)
                found.setdefault((edition, instant), []).append(slot)
    return tuple(
        Due(
            edition,
            instant,
            tuple(sorted(members, key=str)),
            now - instant > lateness[edition.newsletter],
        )
        for (edition, instant), members in sorted(found.items(), key=lambda item: item[0][1])
    )


def occurrences(
    newsletter: Newsletter, slot: Slot, since: datetime, now: datetime, *, any_day: bool = False
) -> Iterator[tuple[date, datetime]]:
    """A slot's local dates and their instants (UTC) in ``(since, now]``, oldest first.

    A cadence that the newsletter has not is never due. ``any_day``: whenever its hour comes, on
    days without an edition too.
    """
    if not (cadence := newsletter.cadences.get(slot.cadence)):
        return
    expression = _expression(cadence, slot)
    if any_day:
        expression = " ".join([*expression.split()[:2], "* * *"])
    hour = _hour(cadence, slot)
    for local in _local_hours(expression, since, now, zone_of(newsletter, slot)):
        # Where the clock skips the last hour of a day (Nuuk, 2024), that day's hour comes after
        # midnight, and is still that day's.
        day = local.date() - timedelta(days=local.strftime("%H:%M") < hour)
        yield day, local.astimezone(UTC)


def zone_of(newsletter: Newsletter, slot: Slot) -> ZoneInfo:
    """The zone in which a slot's hour and local date are meant."""
    zone = newsletter.cadences[slot.cadence].timezone
    if zone == SUBSCRIBER_ZONE:
        zone = slot.zone or newsletter.timezone
    return ZoneInfo(zone)


def local_date(newsletter: Newsletter, cadence: str, now: datetime) -> date:
    """What an editor calls today for a cadence."""
    return now.astimezone(zone_of(newsletter, Slot(cadence))).date()


def two_periods_before(newsletter: Newsletter, cadence: str, instant: datetime) -> datetime:
    """The start of the window from which an edition at ``instant`` takes its news.

    Counted in the cadence's own occurrences, so Monday's edition of a weekday cadence reaches back
    over the weekend.
    """
    slot = Slot(cadence)
    zone = zone_of(newsletter, slot)
    expression = _expression(newsletter.cadences[cadence], slot)
    on_time = next(CronSim(expression, _local(instant - timedelta(minutes=1), zone)))
    back = CronSim(expression, _local(instant, zone), reverse=True)
    steps = 2 if on_time.astimezone(UTC) == instant else 3
    return list(islice(back, steps))[-1].astimezone(UTC)


def next_after(newsletter: Newsletter, slot: Slot, now: datetime) -> datetime:
    """When a slot is due next (UTC)."""
    expression = _expression(newsletter.cadences[slot.cadence], slot)
    following: datetime = next(CronSim(expression, _local(now, zone_of(newsletter, slot))))
    return following.astimezone(UTC)


def closes(newsletter: Newsletter, edition: EditionId, instant: datetime) -> datetime:
    """The last instant at which a slot of this edition can still come due.

    With readers' own zones that is the end of the local date in the last zone (UTC−12).
    """
    if newsletter.cadences[edition.cadence].timezone != SUBSCRIBER_ZONE:
        return instant
    day = datetime.combine(edition.date, datetime.min.time(), UTC)
    return day + timedelta(days=1, hours=12)


def _hour(cadence: Cadence, slot: Slot) -> str:
    """A slot's hour and minute: ``07:00``."""
    own = cadence.timezone == SUBSCRIBER_ZONE and slot.time
    return own or cadence.local_time


def _expression(cadence: Cadence, slot: Slot) -> str:
    _, _, *days = cadence.cron.split()
    hour, minute = _hour(cadence, slot).split(":")
    return " ".join([str(int(minute)), str(int(hour)), *days])


def _local_hours(
    expression: str, since: datetime, now: datetime, zone: ZoneInfo
) -> Iterator[datetime]:
    for local in CronSim(expression, _local(since, zone)):
        if local.astimezone(UTC) > now:
            return
        yield local


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone)
