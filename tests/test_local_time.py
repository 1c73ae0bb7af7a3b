"""Each reader's own local day comes due once, over every IANA zone, 2020 to 2040.

Zones whose clocks go alike all those years are tested as one: 598 names are some 90 ways of time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.newsletter import Newsletter
from courant.schedule import EditionId, Slot, closes, due, occurrences
from tests.test_schedule import newsletter

pytestmark = pytest.mark.exhaustive

FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
# Clocks go forward at midnight, one, two and three o'clock, by half an hour in one place.
ODD_HOURS = ("00:00", "00:30", "01:15", "02:00", "02:30", "02:59", "03:00", "12:00", "23:59")
ZONES = sorted(available_timezones())
OWN = newsletter(timezone="subscriber")


@cache
def ways() -> tuple[tuple[str, tuple[datetime, ...]], ...]:
    """One zone of each way that clocks go, and the instants at which it changes its offset."""
    found: dict[object, tuple[str, tuple[datetime, ...]]] = {}
    for name in ZONES:
        changes = tuple(_changes(ZoneInfo(name)))
        found.setdefault(changes, (name, tuple(at for at, _ in changes[1:])))
    return tuple(found.values())


def _changes(zone: ZoneInfo) -> list[tuple[datetime, timedelta | None]]:
    changes = [(FIRST, FIRST.astimezone(zone).utcoffset())]
    at = FIRST
    while at < LAST:
        low, high = at, at + 3 * DAY
        if high.astimezone(zone).utcoffset() != changes[-1][1]:
            while high - low > MINUTE:
                middle = (low + (high - low) / 2).replace(second=0, microsecond=0)
                same = middle.astimezone(zone).utcoffset() == changes[-1][1]
                low, high = (middle, high) if same else (low, middle)
            changes.append((high, high.astimezone(zone).utcoffset()))
        at = high
    return changes


def days(zone: str, since: datetime, until: datetime, hour: str) -> list[date]:
    """The local dates that a slot must bring, counted without the schedule."""
    its, day = ZoneInfo(zone), since.astimezone(ZoneInfo(zone)).date() - DAY
    found = []
    while day <= until.astimezone(its).date() + DAY:
        if since < _instant(its, day, hour) <= until and _exists(its, day):
            found.append(day)
        day += DAY
    return found


def _instant(zone: ZoneInfo, day: date, hour: str) -> datetime:
    """The first instant of a day at which its clock shows an hour, or has just passed it."""
    wall = datetime.combine(day, time.fromisoformat(hour), zone)
    at = wall.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return at
    # The clock skips it: with the offset from before the gap one lands behind it, by as much as
    # the hour lay within. The first minute behind it is where the offset changes.
    low, high = at - DAY, at
    before = low.astimezone(zone).utcoffset()
    while high - low > MINUTE:
        middle = (low + (high - low) / 2).replace(second=0, microsecond=0)
        same = middle.astimezone(zone).utcoffset() == before
        low, high = (middle, high) if same else (low, middle)
    return high


def _exists(zone: ZoneInfo, day: date) -> bool:
    noon = datetime.combine(day, time(12), zone)
    return noon.astimezone(UTC).astimezone(zone).date() == day


def test_all_zones_are_looked_at_by_one_that_goes_alike() -> None:
    assert len(ZONES) > 590
    assert 60 < len(ways()) < 120
    # Europe's, America's, and Lord Howe's half an hour are ways of their own.
    assert sum(len(changes) for _, changes in ways()) > 1_000


@pytest.mark.slow
@pytest.mark.parametrize("part", range(6))
def test_every_local_day_of_every_zone_comes_due_once(part: int) -> None:
    for zone, _ in ways()[part::6]:
        found = list(occurrences(OWN, Slot("daily", zone, "02:30"), FIRST, LAST))

        assert [day for day, _ in found] == days(zone, FIRST, LAST, "02:30"), zone
        assert all(one < other for (_, one), (_, other) in pairwise(found))


@pytest.mark.slow
@pytest.mark.parametrize("hour", ODD_HOURS)
def test_around_every_change_of_the_clock_each_day_comes_due_once_at_its_hour(hour: str) -> None:
    for zone, changes in ways():
        its = ZoneInfo(zone)
        for change in changes:
            since, until = change - 36 * timedelta(hours=1), change + 36 * timedelta(hours=1)
            found = list(occurrences(OWN, Slot("daily", zone, hour), since, until))

            expected = days(zone, since, until, hour)
            assert found == [(day, _instant(its, day, hour)) for day in expected], (zone, change)


slots = st.builds(
    Slot,
    st.sampled_from(["daily", "weekly"]),
    st.sampled_from(ZONES),
    st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2040, 11, 1)).map(  # noqa: DTZ001 - made aware here
    lambda at: at.replace(tzinfo=UTC)
)


def both() -> Newsletter:
    return newsletter(
        cadences={
            "daily": {"cron": "0 7 * * *", "timezone": "subscriber"},
            "weekly": {"cron": "0 8 * * 6", "timezone": "subscriber"},
        }
    )


@given(
    chosen=st.lists(slots, min_size=1, max_size=5, unique=True),
    start=instants,
    cuts=st.lists(st.integers(0, 20 * 24 * 60 * 60), max_size=12),
)
def test_windows_compose_however_time_is_cut(
    chosen: list[Slot], start: datetime, cuts: list[int]
) -> None:
    letter = both()
    edges = [start + timedelta(seconds=cut) for cut in sorted({0, *cuts, 20 * 24 * 60 * 60})]

    whole = due([letter], {"morning": chosen}, edges[0], edges[-1])
    parts = [
        each
        for since, now in pairwise(edges)
        for each in due([letter], {"morning": chosen}, since, now)
    ]

    assert [(each.edition, each.instant, each.slots) for each in parts] == [
        (each.edition, each.instant, each.slots) for each in whole
    ]


def test_a_day_whose_last_hour_the_clock_skips_has_its_edition_after_midnight() -> None:
    nuuk = Slot("daily", "America/Nuuk", "23:30")
    since = datetime(2024, 3, 30, 12, tzinfo=UTC)

    found = list(occurrences(OWN, nuuk, since, since + 2 * DAY))

    assert found == [
        (date(2024, 3, 30), datetime(2024, 3, 31, 1, tzinfo=UTC)),
        (date(2024, 3, 31), datetime(2024, 4, 1, 0, 30, tzinfo=UTC)),
    ]


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 11, 1), date(2026, 11, 22)])
def test_the_whole_world_has_one_edition_a_day_with_a_pressing_an_instant(day: date) -> None:
    everyone = [Slot("daily", zone, "07:00") for zone in ZONES]
    noon = datetime.combine(day, time(12), UTC)

    found = due([OWN], {"morning": everyone}, noon - 2 * DAY, noon + 2 * DAY)

    edition = EditionId("morning", "daily", day)
    mine = [each for each in found if each.edition == edition]
    assert sorted(str(slot) for each in mine for slot in each.slots) == sorted(map(str, everyone))
    assert len({each.instant for each in mine}) == len(mine) < 45
    # Nobody's hour comes after the edition is closed, or more than a day and a quarter before.
    assert all(each.instant <= closes(OWN, edition, mine[0].instant) for each in mine)
    assert mine[-1].instant - mine[0].instant <= timedelta(hours=26)
