"""What is due, over all zones and both odd nights of the year."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.newsletter import Newsletter
from courant.schedule import (
    Due,
    EditionId,
    Slot,
    closes,
    due,
    local_date,
    next_after,
    two_periods_before,
)

MINUTE = timedelta(minutes=1)


def newsletter(
    cron: str = "0 7 * * *", timezone: str = "Europe/Amsterdam", **more: object
) -> Newsletter:
    return Newsletter.model_validate(
        {
            "id": "morning",
            "title": "Morning",
            "description": "News",
            "sender": {"name": "Morning", "address": "news@example.org"},
            "postal_address": "1 Street",
            "cadences": {"daily": {"cron": cron, "timezone": timezone}},
            "sections": [{"id": "news", "title": "News", "feeds": ["https://example.org/feed"]}],
            **more,
        }
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due_instants(letter: Newsletter, slot: Slot, since: datetime, now: datetime) -> list[datetime]:
    return [each.instant for each in due([letter], {"morning": [slot]}, since, now)]


def test_nothing_is_due_before_its_minute_and_once_in_it() -> None:
    letter, slots = newsletter(), {"morning": [Slot("daily")]}

    before = due([letter], slots, utc("2026-11-22T05:58"), utc("2026-11-22T05:59"))
    on_time = due([letter], slots, utc("2026-11-22T05:59"), utc("2026-11-22T06:00"))
    after = due([letter], slots, utc("2026-11-22T06:00"), utc("2026-11-22T06:01"))

    assert before == after == ()
    assert on_time == (
        Due(
            EditionId("morning", "daily", date(2026, 11, 22)),
            utc("2026-11-22T06:00"),
            (Slot("daily"),),
        ),
    )


def test_missed_beats_are_caught_up_and_what_is_too_late_says_so() -> None:
    letter = newsletter(max_lateness="6h")

    found = due(
        [letter], {"morning": [Slot("daily")]}, utc("2026-11-20T12:00"), utc("2026-11-22T08:00")
    )

    assert [(str(each.edition), each.too_late) for each in found] == [
        ("morning/daily/2026-11-21", True),
        ("morning/daily/2026-11-22", False),
    ]


def test_a_local_time_that_the_clock_skips_runs_after_the_gap() -> None:
    letter = newsletter("30 2 * * *")

    instants = due_instants(letter, Slot("daily"), utc("2026-03-28T12:00"), utc("2026-03-30T12:00"))

    assert instants == [utc("2026-03-29T01:00"), utc("2026-03-30T00:30")]


def test_a_local_time_that_the_clock_repeats_runs_once() -> None:
    letter = newsletter("30 2 * * *")

    instants = due_instants(letter, Slot("daily"), utc("2026-10-24T12:00"), utc("2026-10-26T12:00"))

    assert instants == [utc("2026-10-25T00:30"), utc("2026-10-26T01:30")]


def test_readers_own_slots_are_due_at_their_own_hour_and_grouped_by_instant() -> None:
    letter = newsletter(timezone="subscriber")
    slots = [
        Slot("daily", "Asia/Tokyo", "07:00"),
        Slot("daily", "Europe/Amsterdam", "07:00"),
        Slot("daily", "Europe/Brussels", "07:00"),
    ]

    found = due([letter], {"morning": slots}, utc("2026-11-21T12:00"), utc("2026-11-22T12:00"))

    assert [(each.instant.hour, len(each.slots)) for each in found] == [(22, 1), (6, 2)]
    assert {str(each.edition) for each in found} == {"morning/daily/2026-11-22"}


def test_moving_the_hour_in_the_newsletter_moves_its_slot() -> None:
    letter = newsletter("15 9 * * *")

    assert next_after(letter, Slot("daily"), utc("2026-11-22T06:00")) == utc("2026-11-22T08:15")


def test_a_cadence_that_is_gone_is_never_due() -> None:
    found = due(
        [newsletter()],
        {"morning": [Slot("weekly")]},
        utc("2026-11-21T00:00"),
        utc("2026-11-23T00:00"),
    )

    assert found == ()


@pytest.mark.parametrize(
    ("cron", "instant", "start"),
    [
        ("0 7 * * *", "2026-11-22T06:00", "2026-11-20T06:00"),
        ("0 7 * * *", "2026-11-22T09:30", "2026-11-20T06:00"),
        # Monday's edition of a weekday cadence reaches back over the weekend.
        ("0 7 * * 1-5", "2026-11-23T06:00", "2026-11-19T06:00"),
        ("0 8 * * 6", "2026-11-21T07:00", "2026-11-07T07:00"),
    ],
)
def test_two_periods_are_counted_in_the_cadences_own_occurrences(
    cron: str, instant: str, start: str
) -> None:
    assert two_periods_before(newsletter(cron), "daily", utc(instant)) == utc(start)


def test_an_edition_of_readers_own_zones_stays_open_until_the_last_zone_had_its_day() -> None:
    edition = EditionId("morning", "daily", date(2026, 11, 22))

    assert closes(newsletter(timezone="subscriber"), edition, utc("2026-11-21T22:00")) == utc(
        "2026-11-23T12:00"
    )
    assert closes(newsletter(), edition, utc("2026-11-22T06:00")) == utc("2026-11-22T06:00")


def test_today_is_the_cadences_own() -> None:
    assert local_date(newsletter(), "daily", utc("2026-11-22T23:30")) == date(2026, 11, 23)
    own = newsletter(timezone="subscriber")
    assert local_date(own, "daily", utc("2026-11-22T23:30")) == date(2026, 11, 22)


@given(
    zone=st.sampled_from(sorted(available_timezones())),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2039, 12, 1)),  # noqa: DTZ001 - made aware below
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    step=st.sampled_from([13, 60, 599]),
)
def test_each_local_day_is_due_exactly_once_however_the_beats_fall(
    zone: str, start: datetime, hour: int, minute: int, step: int
) -> None:
    letter = newsletter(f"{minute} {hour} * * *", timezone=zone)
    since = start.replace(tzinfo=UTC, second=0, microsecond=0)
    end = since + timedelta(days=4)

    found: list[EditionId] = []
    while since < end:
        now = min(since + step * MINUTE, end)
        found += [each.edition for each in due([letter], {"morning": [Slot("daily")]}, since, now)]
        since = now

    first = start.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    days = [edition.date for edition in found]
    assert len(days) == len(set(days))
    whole = {first + timedelta(days=n) for n in (1, 2, 3)}
    assert whole <= set(days) | {day for day in whole if _has_no_such_day(zone, day)}


def _has_no_such_day(zone: str, day: date) -> bool:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
    return noon.astimezone(UTC).astimezone(ZoneInfo(zone)).date() != day


@given(
    cadence=st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True),
    zone=st.sampled_from(sorted(available_timezones())),
    hour=st.integers(0, 23),
)
def test_slots_and_editions_survive_being_written_down(cadence: str, zone: str, hour: int) -> None:
    slot = Slot(cadence, zone, f"{hour:02}:00")
    edition = EditionId(cadence, "daily", date(2026, 11, 22), "extra-one")

    assert Slot.parse(str(slot)) == slot
    assert EditionId.parse(str(edition)) == edition


@pytest.mark.parametrize("text", ["", "daily@", "daily@Europe/Amsterdam", "daily@X@25:00", "a b"])
def test_what_is_no_slot_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a slot"):
        Slot.parse(text)


@pytest.mark.parametrize("text", ["", "morning", "morning/daily", "morning/daily/2026-13-01"])
def test_what_is_no_edition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an edition|month"):
        EditionId.parse(text)
