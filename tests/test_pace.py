"""When to come again, and in whose company: everything here is arithmetic."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.feeds import pace
from courant.feeds.fetching.fetch import Told
from courant.feeds.pace import Sighting, Wishes
from courant.feeds.raw import RawRhythm
from courant.feeds.rounds import MOST, SENT_LATELY, Round, Sending, rounds, still_busy
from courant.feeds.store import LONGEST_VISIT, Waiting

NOW = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)  # a Sunday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

_FIRST, _LAST = datetime(1995, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
instants = st.datetimes(_FIRST, _LAST, timezones=st.just(UTC))
lengths = st.timedeltas(timedelta(0), timedelta(days=400))
# Strangers write these; digits and known words are only more likely than the rest.
words = st.one_of(
    st.text(max_size=40),
    st.integers(-5, 10**30).map(str),
    st.sampled_from(["hourly", "daily", "Weekly ", "no-cache", "max-age=60", "0", "24", "Sunday"]),
    instants.map(format_datetime),
)
told = st.builds(Told, retry_after=words, cache_control=words, expires=words, date=words, age=words)
rhythms = st.builds(
    RawRhythm,
    ttl=words,
    skip_hours=st.lists(words, max_size=30).map(tuple),
    skip_days=st.lists(words, max_size=9).map(tuple),
    update_period=words,
    update_frequency=words,
)
wishes = st.builds(
    Wishes,
    every=st.timedeltas(timedelta(0), pace.LONGEST_HINT),
    skip_hours=st.frozensets(st.integers(0, 23)),
    skip_days=st.frozensets(st.integers(0, 6)),
)


# ── what the server asks ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "minutes"),
    [
        ({}, 0),
        ({"cache_control": "public, max-age=600"}, 10),
        ({"cache_control": "max-age=600", "age": "240"}, 6),
        ({"cache_control": "max-age=600", "age": "700"}, 0),
        ({"cache_control": 'MAX-AGE="600"'}, 10),
        ({"cache_control": "max-age=0"}, 0),
        ({"cache_control": "no-cache, max-age=600"}, 0),
        ({"cache_control": "max-age=600, No-Store"}, 0),
        ({"cache_control": "s-maxage=600"}, 0),
        ({"cache_control": "max-age=soon"}, 0),
        ({"cache_control": "max-age=31536000"}, 12 * 60),
        ({"cache_control": f"max-age={'9' * 5000}"}, 12 * 60),
        ({"expires": format_datetime(NOW + HOUR)}, 60),
        ({"expires": format_datetime(NOW), "date": format_datetime(NOW - HOUR)}, 60),
        ({"expires": format_datetime(NOW - DAY)}, 0),
        ({"expires": "0"}, 0),
        ({"expires": "-1"}, 0),
        ({"expires": format_datetime(NOW + 365 * DAY)}, 12 * 60),
        ({"cache_control": "max-age=60", "expires": format_datetime(NOW + HOUR)}, 1),
    ],
)
def test_headers_say_how_long_an_answer_is_good(headers: dict[str, str], minutes: int) -> None:
    assert pace.fresh_for(Told(**headers), NOW) == minutes * MINUTE


@pytest.mark.parametrize(
    ("retry_after", "minutes"),
    [
        ("", 0),
        ("120", 2),
        (" 120 ", 2),
        ("-120", 0),
        ("soon", 0),
        (format_datetime(NOW + HOUR), 60),
        (format_datetime(NOW - HOUR), 0),
        ("31536000", 24 * 60),
        ("9" * 5000, 24 * 60),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(retry_after: str, minutes: int) -> None:
    assert pace.retry_after(Told(retry_after=retry_after), NOW) == minutes * MINUTE


def test_a_retry_after_is_by_the_servers_own_clock() -> None:
    wrong = Told(retry_after=format_datetime(NOW - DAY + HOUR), date=format_datetime(NOW - DAY))

    assert pace.retry_after(wrong, NOW) == HOUR


@pytest.mark.parametrize(
    ("said", "every"),
    [
        ({}, 0 * MINUTE),
        ({"ttl": "60"}, HOUR),
        ({"ttl": " 5 "}, 5 * MINUTE),
        ({"ttl": "a"}, 0 * MINUTE),
        ({"ttl": "-60"}, 0 * MINUTE),
        ({"ttl": "1800"}, 12 * HOUR),
        ({"ttl": "9" * 5000}, 12 * HOUR),
        ({"update_period": "hourly"}, HOUR),
        ({"update_period": " Hourly ", "update_frequency": "2"}, 30 * MINUTE),
        ({"update_period": "daily", "update_frequency": "4"}, 6 * HOUR),
        ({"update_period": "yearly"}, 12 * HOUR),
        ({"update_period": "hourly", "update_frequency": "0"}, HOUR),
        ({"update_period": "hourly", "update_frequency": "-1"}, HOUR),
        ({"update_frequency": "24"}, HOUR),
        ({"update_period": "now and then"}, 0 * MINUTE),
        ({"ttl": "10", "update_period": "hourly"}, HOUR),
    ],
)
def test_documents_say_how_often(said: dict[str, Any], every: timedelta) -> None:
    assert pace.wishes(RawRhythm(**said)).every == every


def test_hours_and_days_to_be_skipped_are_those_that_there_are() -> None:
    asked = pace.wishes(
        RawRhythm(
            skip_hours=("0", "7", " 23", "24", "25", "2.5", "", "x", "9" * 5000),
            skip_days=("Saturday", " sunday ", "Someday", ""),
        )
    )

    assert asked.skip_hours == {0, 7, 23}
    assert asked.skip_days == {5, 6}


@given(told, rhythms, instants)
def test_no_server_is_misunderstood_for_longer_than_a_day(
    headers: Told, rhythm: RawRhythm, now: datetime
) -> None:
    asked = pace.wishes(rhythm)

    assert timedelta(0) <= pace.fresh_for(headers, now) <= 12 * HOUR
    assert timedelta(0) <= pace.retry_after(headers, now) <= 24 * HOUR
    assert timedelta(0) <= asked.every <= 12 * HOUR
    assert asked.skip_hours <= set(range(24))
    assert asked.skip_days <= set(range(7))


# ── the feed's own rhythm ─────────────────────────────────────────────────────────────────────


def every(gap: timedelta, count: int = 30) -> list[datetime]:
    return [NOW - n * gap for n in range(count)]


@pytest.mark.parametrize(
    ("gap", "interval"),
    [(MINUTE, 15 * MINUTE), (HOUR, 30 * MINUTE), (6 * HOUR, 3 * HOUR), (30 * DAY, 12 * HOUR)],
)
def test_a_feed_is_visited_twice_an_article(gap: timedelta, interval: timedelta) -> None:
    assert pace.own_interval(every(gap), NOW) == interval


def test_only_the_latest_twenty_dates_count_in_any_order() -> None:
    dates = [*every(HOUR, 20), *(NOW - 300 * DAY - n * DAY for n in range(400))]

    assert pace.own_interval(reversed(dates), NOW) == 30 * MINUTE


def test_dates_that_say_nothing_make_no_rhythm() -> None:
    assert pace.own_interval([], NOW) is None
    assert pace.own_interval([NOW] * 50, NOW) is None
    assert pace.own_interval([NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR, NOW], NOW) is None


def test_a_feed_without_dates_is_visited_less_until_it_brings_news() -> None:
    waits = [30 * MINUTE]
    for _ in range(9):
        waits.append(pace.adapted(waits[-1], news=False))

    assert waits[1] == 45 * MINUTE
    assert waits[-1] == 12 * HOUR
    assert pace.adapted(waits[-1], news=True) == 6 * HOUR
    assert pace.adapted(20 * MINUTE, news=True) == 15 * MINUTE


def test_a_feed_that_fell_silent_is_visited_less() -> None:
    assert pace.wait_after(30 * MINUTE, [None, None], NOW) == 30 * MINUTE
    assert pace.wait_after(30 * MINUTE, [NOW - 5 * HOUR, None], NOW) == 30 * MINUTE
    assert pace.wait_after(30 * MINUTE, [NOW - 60 * HOUR, None], NOW) == 3 * HOUR
    assert pace.wait_after(30 * MINUTE, [NOW - 60 * HOUR, NOW], NOW) == 30 * MINUTE
    assert pace.wait_after(30 * MINUTE, [NOW - 900 * DAY], NOW) == 12 * HOUR


@given(st.lists(instants, max_size=60), instants, st.one_of(st.none(), instants))
def test_every_interval_is_in_bounds(
    dates: list[datetime], now: datetime, news_at: datetime | None
) -> None:
    interval = pace.own_interval(dates, now) or pace.USUAL

    for wait in (
        interval,
        pace.wait_after(interval, [news_at], now),
        pace.adapted(interval, news=True),
        pace.adapted(interval, news=False),
    ):
        assert pace.SHORTEST <= wait <= pace.LONGEST


def test_failing_feeds_are_asked_less_and_less_often() -> None:
    hours = [pace.wait_after_failures(n) / HOUR for n in range(1, 9)]

    assert hours == [0.5, 1, 2, 4, 8, 12, 12, 12]
    assert pace.wait_after_failures(10**9) == 12 * HOUR


# ── the next visit ────────────────────────────────────────────────────────────────────────────


@given(st.text(), instants, lengths, lengths, wishes)
def test_nobody_is_visited_earlier_than_the_server_asked(
    feed: str, now: datetime, wait: timedelta, floor: timedelta, asked: Wishes
) -> None:
    at = pace.next_visit(feed, now, wait, floor=floor, asked=asked)

    assert at >= now + max(floor, asked.every)
    assert at >= now + wait * 0.899
    assert at <= now + max(wait, floor, asked.every) * 1.101 + pace.LONGEST_SKIP
    assert at == pace.next_visit(feed, now, wait, floor=floor, asked=asked)


@given(st.text(), instants, lengths, wishes)
def test_skipped_hours_are_spared_if_any_other_is_near(
    feed: str, now: datetime, wait: timedelta, asked: Wishes
) -> None:
    at = pace.next_visit(feed, now, wait, asked=asked)
    bare = pace.next_visit(feed, now, wait, asked=Wishes(every=asked.every))
    hours = [bare + n * HOUR for n in range(72)]
    free = [
        h for h in hours if h.hour not in asked.skip_hours and h.weekday() not in asked.skip_days
    ]

    if free:
        assert at.hour not in asked.skip_hours
        assert at.weekday() not in asked.skip_days
        assert at <= free[0] + HOUR
    else:
        assert bare <= at <= bare + pace.LONGEST_SKIP


def test_a_weekend_is_spared_and_a_whole_week_is_not() -> None:
    weekend = Wishes(skip_days=frozenset({5, 6}))
    always = Wishes(skip_days=frozenset(range(7)))
    never = Wishes(skip_hours=frozenset(range(24)))
    friday = NOW - 2 * DAY + 16 * HOUR

    monday = pace.next_visit("f", friday, HOUR, asked=weekend)

    assert (monday.date(), monday.hour) == ((NOW + DAY).date(), 0)
    for asked in (always, never):
        assert pace.next_visit("f", friday, HOUR, asked=asked) - friday < 67 * MINUTE


def test_feeds_registered_together_do_not_stay_together() -> None:
    for floor in (timedelta(0), 2 * HOUR):
        visits = sorted(pace.next_visit(f"{n:x}", NOW, HOUR, floor=floor) for n in range(1000))

        spread = max(HOUR, floor) * pace.JITTER
        assert visits[-1] - visits[0] > spread * 0.98
        assert max(later - earlier for earlier, later in pairwise(visits)) < spread / 10


def test_the_same_feed_has_another_jitter_each_time() -> None:
    waits = {pace.next_visit("f", NOW + n * MINUTE, HOUR) - NOW - n * MINUTE for n in range(20)}

    assert len(waits) == 20


# ── moving, and counting ──────────────────────────────────────────────────────────────────────


def test_a_move_is_believed_after_three_visits_and_a_day() -> None:
    seen: Sighting | None = None
    believed = []
    for hours in (0, 6, 12, 23, 24):
        seen = pace.sighted(seen, "https://new.example/", NOW + hours * HOUR)
        believed.append(pace.is_meant(seen, NOW + hours * HOUR))

    assert believed == [False, False, False, False, True]
    two = Sighting("https://new.example/", NOW, 2)
    assert not pace.is_meant(two, NOW + 9 * DAY)
    assert not pace.is_meant(None, NOW)


def test_a_move_begins_anew_when_it_changes_its_mind() -> None:
    seen = Sighting("https://new.example/", NOW, 9)

    assert pace.sighted(seen, None, NOW) is None
    other = pace.sighted(seen, "https://other.example/", NOW + DAY)
    assert other == Sighting("https://other.example/", NOW + DAY)
    assert not pace.is_meant(other, NOW + 2 * DAY)


def test_articles_are_counted_by_week_for_eight_weeks() -> None:
    weeks: dict[int, int] = {}
    for day in range(200):
        weeks = pace.brought(weeks, 2, NOW + day * DAY)

    assert len(weeks) == 8
    assert sum(list(weeks.values())[:7]) == 7 * 14
    assert 12 < pace.articles_a_week(weeks, NOW + 199 * DAY) <= 14
    assert pace.articles_a_week(weeks, NOW + 400 * DAY) == 0
    assert pace.articles_a_week({}, NOW) == 0
    assert pace.articles_a_week(pace.brought({}, 5, NOW), NOW) == 5
    assert pace.brought(weeks, 0, NOW + 199 * DAY) == weeks


@pytest.mark.parametrize("weeks_ahead", [1, 2, 50])
def test_weeks_that_a_wrong_clock_counted_are_forgotten(weeks_ahead: int) -> None:
    weeks = pace.brought({}, 5, NOW + weeks_ahead * 7 * DAY)

    assert pace.articles_a_week(weeks, NOW) == 0
    assert pace.articles_a_week(pace.brought(weeks, 3, NOW), NOW) == 3


# ── rounds ────────────────────────────────────────────────────────────────────────────────────


def waiting(*hosts: str) -> dict[str, Waiting]:
    return {f"{host}/{n}": Waiting(host, NOW) for n, host in enumerate(hosts)}


def of(found: list[Round]) -> list[str]:
    return [feed for hosts in found for feeds in hosts.values() for feed in feeds]


def test_small_hosts_share_a_round_and_keep_their_order() -> None:
    due = waiting("a", "b", "a", "c")

    assert list(rounds(due, {}, 200)) == [{"a": ["a/0", "a/2"], "b": ["b/1"], "c": ["c/3"]}]


def test_a_host_gets_one_round_and_the_rest_of_its_feeds_wait() -> None:
    due = waiting(*["big"] * 130, "small")

    first = list(rounds(due, {}, 100))
    sent = {feed: Sending(due[feed], NOW) for feed in of(first)}

    assert first == [{"big": [f"big/{n}" for n in range(MOST)]}, {"small": ["small/130"]}]
    # Nobody has claimed any: nothing more goes out.
    assert list(rounds(due, still_busy(sent, due, NOW + MINUTE), 100)) == []
    # The last of them waits still: so does its host.
    left = {feed: since for feed, since in due.items() if feed not in of(first)[:-2]}
    sent = still_busy(sent, left, NOW + MINUTE)
    assert list(rounds(left, sent, 100)) == []
    # All were claimed, but the last of them just now: it may be at work.
    left = {feed: since for feed, since in due.items() if feed not in of(first)}
    for seconds in (120, 180):
        sent = still_busy(sent, left, NOW + timedelta(seconds=seconds))
        assert list(rounds(left, sent, 100)) == []
    # Now it can't be: the next of them.
    sent = still_busy(sent, left, NOW + 2 * MINUTE + LONGEST_VISIT)
    assert sent == {}
    (second,) = rounds(left, sent, 100)
    assert second == {"big": [f"big/{n}" for n in range(MOST, 2 * MOST)]}


def test_a_lost_round_is_sent_again() -> None:
    due = waiting("a")
    sent = {"a/0": Sending(due["a/0"], NOW)}

    assert still_busy(sent, due, NOW + SENT_LATELY - MINUTE) == sent
    assert still_busy(sent, due, NOW + SENT_LATELY) == {}


def test_a_feed_that_is_due_anew_was_claimed() -> None:
    sent = {"a/0": Sending(Waiting("a", NOW), NOW)}
    anew = {"a/0": Waiting("a", NOW + MINUTE)}

    sent = still_busy(sent, anew, NOW + MINUTE)
    assert sent["a/0"].claimed == NOW + MINUTE
    assert still_busy(sent, anew, NOW + MINUTE + LONGEST_VISIT) == {}


@given(
    st.lists(st.sampled_from("abcdefghijklmnop"), max_size=300),
    st.sets(st.integers(0, 299)),
    st.integers(0, 300),
)
def test_no_host_is_in_two_rounds(hosts: list[str], sent_ones: set[int], most: int) -> None:
    due = waiting(*hosts)
    sent = {feed: Sending(due[feed], NOW) for n, feed in enumerate(due) if n in sent_ones}
    busy = {sending.waiting.host for sending in sent.values()}

    found = list(rounds(due, sent, most))

    assert all(count == 1 for count in Counter(h for each in found for h in each).values())
    assert all(0 < len(of([each])) <= MOST for each in found)
    assert len(set(of(found))) == len(of(found)) <= most
    assert not busy & {host for each in found for host in each}
    if most >= len(due):
        by_host = Counter(h for h in hosts if h not in busy)
        assert len(of(found)) == sum(min(count, MOST) for count in by_host.values())
