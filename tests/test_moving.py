"""Who moves to another zone, hour or cadence gets each local date once.

Editions are replayed as the flow makes them: what is due is cut a little later, who is counted
then is mailed, and the ledger lets an edition come to one person once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from courant.newsletter import Newsletter
from courant.schedule import EditionId, Slot, due, occurrences, zone_of
from courant.subscribers.moving import handover
from tests.test_schedule import newsletter

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LETTER = newsletter(
    cadences={
        "daily": {"cron": "0 7 * * *", "timezone": "subscriber"},
        "weekdays": {"cron": "0 7 * * 1-5", "timezone": "subscriber"},
        "weekly": {"cron": "0 8 * * 6", "timezone": "subscriber"},
        "london": {"cron": "30 6 * * *", "timezone": "Europe/London"},
    }
)
ZONES = sorted(available_timezones())
AMSTERDAM = "Europe/Amsterdam"


@dataclass
class Stay:
    """One place, as its item in the table."""

    slot: Slot
    active_from: datetime
    gone_at: datetime | None = None

    def counts(self, cut: datetime) -> bool:
        return self.active_from <= cut and (self.gone_at is None or self.gone_at > cut)


@dataclass
class Reader:
    """Somebody who moves now and then; all stays are remembered."""

    stays: list[Stay]
    served: date | None = None
    letter: Newsletter = field(default_factory=lambda: LETTER)

    def move(self, new: Slot, now: datetime) -> None:
        old = self.stays[-1]
        if new == old.slot:
            return
        hand = handover(self.letter, old.slot, new, now, since=old.active_from, served=self.served)
        assert hand.gone_at >= now
        assert hand.active_from >= now
        old.gone_at, self.served = hand.gone_at, hand.served
        self.stays.append(Stay(new, hand.active_from))

    def mails(self, since: datetime, until: datetime, delay: timedelta) -> list[EditionId]:
        """What they are sent, oldest first, if every edition is cut ``delay`` after its hour."""
        slots = list(dict.fromkeys(stay.slot for stay in self.stays))
        ledger: dict[EditionId, datetime] = {}
        for each in due([self.letter], {"morning": slots}, since, until):
            cut = each.instant + delay
            if any(stay.slot in each.slots and stay.counts(cut) for stay in self.stays):
                ledger.setdefault(each.edition, cut)
        return list(ledger)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def own(time: str, zone: str = AMSTERDAM, cadence: str = "daily") -> Slot:
    return Slot(cadence, zone, time)


def moved(old: Slot, new: Slot, at: str, delay: timedelta = MINUTE) -> list[str]:
    """What a reader gets from the day before a move to four days after."""
    now = utc(at)
    reader = Reader([Stay(old, now - 30 * DAY)])
    reader.move(new, now)
    return [
        f"{edition.cadence} {edition.date.day}"
        for edition in reader.mails(now - DAY, now + 4 * DAY, delay)
    ]


# Sunday the 22nd of November 2026; Amsterdam is an hour ahead.
@pytest.mark.parametrize(
    ("old", "new", "at", "got"),
    [
        # Today's has not come at 18:00 and would be past at 07:00: once more at the old hour.
        (own("18:00"), own("07:00"), "2026-11-22T11:00", [21, 22, 23, 24, 25, 26]),
        # Today's came at 07:00; the ledger knows.
        (own("07:00"), own("18:00"), "2026-11-22T11:00", [22, 23, 24, 25]),
        (own("18:00"), own("20:00"), "2026-11-22T11:00", [21, 22, 23, 24, 25]),
        # In the minute between the hour and the cut.
        (own("12:00"), own("07:00"), "2026-11-22T11:00:30", [22, 23, 24, 25, 26]),
        # Across the date line, west and east.
        (
            own("07:00", "Pacific/Kiritimati"),
            own("07:00", "Pacific/Honolulu"),
            "2026-11-22T11:00",
            [22, 23, 24, 25],
        ),
        (
            own("23:00", "Pacific/Honolulu"),
            own("00:00", "Pacific/Kiritimati"),
            "2026-11-24T10:05",
            [23, 26, 24, 25, 27, 28, 29],
        ),
    ],
)
def test_each_date_once(old: Slot, new: Slot, at: str, got: list[int]) -> None:
    found = moved(old, new, at)

    assert sorted(found) == sorted(f"daily {day}" for day in got)


@pytest.mark.parametrize(
    ("old", "new", "at", "got"),
    [
        # Wednesday noon, before the daily: it comes once more, and then Saturday's weekly.
        (own("18:00"), own("08:00", cadence="weekly"), "2026-11-25T11:00", "d24 d25 w28"),
        # Saturday, between the two: the weekly is today's, or the daily was.
        (own("18:00"), own("14:00", cadence="weekly"), "2026-11-28T11:00", "d27 w28"),
        (own("07:00"), own("14:00", cadence="weekly"), "2026-11-28T11:00", "d28"),
        (own("07:00"), own("08:00", cadence="weekly"), "2026-11-28T11:00", "d28"),
        (own("08:00", cadence="weekly"), own("18:00"), "2026-11-28T06:00", "d28 d29 d30 d1"),
        (own("08:00", cadence="weekly"), own("07:00"), "2026-11-28T06:30", "w28 d29 d30 d1 d2"),
        (own("08:00", cadence="weekly"), own("18:00"), "2026-11-28T11:00", "w28 d29 d30 d1"),
        # Sunday is no day of theirs.
        (own("18:00", cadence="weekdays"), own("07:00"), "2026-11-22T11:00", "d23 d24 d25 d26"),
    ],
)
def test_between_cadences_a_day_has_one_mail(old: Slot, new: Slot, at: str, got: str) -> None:
    assert " ".join(one[0] + one.split()[1] for one in moved(old, new, at)) == got


def test_an_hour_that_is_being_sent_late_still_counts_who_moved_out_of_it() -> None:
    late = 5 * HOUR

    found = moved(own("07:00"), own("06:00"), "2026-11-22T09:00", late)

    assert found == [f"daily {day}" for day in (22, 23, 24, 25, 26)]


def test_who_joined_after_the_hour_has_not_been_served_by_it() -> None:
    noon = utc("2026-11-28T11:00")

    hand = handover(LETTER, own("07:00"), own("20:00", cadence="weekly"), noon + MINUTE, since=noon)

    assert (hand.gone_at, hand.active_from, hand.served) == (noon + MINUTE, noon + MINUTE, None)


def test_what_slots_before_have_served_is_not_forgotten() -> None:
    now = utc("2026-11-28T11:00")  # a Saturday
    weekly = own("20:00", cadence="weekly")

    # Today's daily came at 07:00, from the slot before this one.
    hand = handover(
        LETTER, own("20:00"), weekly, now, since=now - MINUTE, served=date(2026, 11, 28)
    )
    # From across the date line, where tomorrow's came as well.
    far = handover(LETTER, own("07:00"), weekly, now, since=now - DAY, served=date(2026, 11, 29))

    assert (hand.served, far.served) == (date(2026, 11, 28), date(2026, 11, 29))
    assert hand.active_from == utc("2026-11-28T23:00")
    assert far.active_from == utc("2026-11-29T23:00")


def test_within_a_cadence_the_ledger_alone_says_what_came() -> None:
    now = utc("2026-11-22T11:00")

    hand = handover(LETTER, own("07:00"), own("18:00"), now, since=now - 9 * DAY)

    # Were the edition of 07:00 too late to be sent, that of 18:00 would be theirs.
    assert hand.active_from == now


def test_a_cadence_that_is_gone_serves_nothing() -> None:
    now = utc("2026-11-22T11:00")

    out = handover(LETTER, Slot("evening"), own("07:00"), now, since=now - DAY)
    into = handover(LETTER, own("18:00"), Slot("evening"), now, since=now - DAY)

    assert (out.gone_at, out.active_from) == (now, now)
    # Today's is still theirs.
    assert (into.gone_at, into.active_from) == (utc("2026-11-23T00:00"), now)


def test_nobody_lingers_in_the_old_slot_until_its_next_hour() -> None:
    now = utc("2026-11-22T11:00")

    for old in (own("07:00"), own("18:00"), own("08:00", cadence="weekly")):
        hand = handover(LETTER, old, own("06:00"), now, since=now - 30 * DAY)
        following = [
            at for _, at in occurrences(LETTER, old, now, now + 9 * DAY) if at > hand.gone_at
        ]
        assert hand.gone_at - now <= LETTER.max_lateness + DAY
        assert following


clock_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
# Those where the date changes, and some with odd offsets or clocks that change.
far_zones = st.sampled_from(
    [
        *("Pacific/Kiritimati", "Pacific/Honolulu", "Pacific/Midway", "Pacific/Auckland"),
        *("Pacific/Chatham", "Asia/Kathmandu", "Australia/Lord_Howe", AMSTERDAM, "UTC"),
        *("America/New_York", "Africa/Casablanca", "America/Santiago", "Etc/GMT+12"),
    ]
)
zones = st.one_of(far_zones, st.sampled_from(ZONES))
daily = st.builds(Slot, st.just("daily"), zones, clock_times)
any_slot = st.one_of(
    st.builds(Slot, st.sampled_from(["daily", "weekdays", "weekly"]), zones, clock_times),
    st.just(Slot("london")),
)
instants = st.datetimes(datetime(2020, 2, 1), datetime(2040, 11, 1)).map(  # noqa: DTZ001 - made aware here
    lambda at: at.replace(tzinfo=UTC, microsecond=0)
)


@given(
    start=instants,
    first=daily,
    moves=st.lists(st.tuples(st.integers(1, 4000), daily), min_size=1, max_size=6),
    delay=st.integers(0, 360),
)
@example(utc("2026-11-24T10:05"), own("23:00", "Pacific/Honolulu"), [(1, own("00:00"))], 0)
def test_however_often_one_moves_each_date_comes_once(
    start: datetime, first: Slot, moves: list[tuple[int, Slot]], delay: int
) -> None:
    reader, now = Reader([Stay(first, start - 10 * DAY)]), start
    for minutes, slot in moves:
        now += minutes * MINUTE
        reader.move(slot, now)

    got = reader.mails(start - 5 * DAY, now + 6 * DAY, delay * MINUTE)

    dates = sorted(edition.date for edition in got)
    assert len(dates) == len(set(dates))
    zone = ZoneInfo(first.zone or "UTC")
    since = (start - 3 * DAY).astimezone(zone).date()
    until = (now + 4 * DAY).date() - DAY
    days = [since + n * DAY for n in range((until - since).days)]
    assert set(days) <= set(dates)


@given(now=instants, old=any_slot, new=any_slot, delay=st.integers(0, 30))
def test_moving_between_cadences_neither_doubles_nor_drops_a_day(
    now: datetime, old: Slot, new: Slot, delay: int
) -> None:
    assume(old != new)
    reader = Reader([Stay(old, now - 40 * DAY)])
    reader.move(new, now)
    since, until = now - 9 * DAY, now + 16 * DAY

    got = reader.mails(since, until, delay * MINUTE)

    before = dict(occurrences(LETTER, old, since, until))
    after = dict(occurrences(LETTER, new, since, until))
    served = [day for day, at in before.items() if at <= now]
    last = max(served, default=date.min)
    by_date = [edition.date for edition in got]
    assert len(by_date) == len(set(by_date))
    # What was due before came; the new slot's to come come, unless their date was served.
    assert set(served) <= set(by_date)
    assert {day for day, at in after.items() if at > now and day > last} <= set(by_date)
    # What only the old slot could still bring today, it brings.
    today = now.astimezone(zone_of(LETTER, old)).date()
    if before.get(today, now) > now and after.get(today, now) <= now:
        assert today in by_date
    # And from two days on all is as they chose.
    later = [edition for edition in got if edition.date > today + 2 * DAY]
    assert {edition.cadence for edition in later} <= {new.cadence}
