"""Readers who move in the middle of a day, through the functions as they are deployed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from courant.delivery.chunks import Counts
from courant.schedule import Slot
from desk.stack import Stack
from tests.conftest import HandClock
from tests.newsroom import Newsroom

EARLY = Slot("daily", "Europe/Amsterdam", "07:00")
LATE = Slot("daily", "Europe/Amsterdam", "18:00")
WEEKLY = Slot("weekly", "Europe/Amsterdam", "20:00")
CADENCES = {
    "daily": {"cron": "0 7 * * *", "timezone": "subscriber"},
    "weekly": {"cron": "0 20 * * 0", "timezone": "subscriber"},
}


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    clock = HandClock(datetime(2026, 11, 22, 4, 0, tzinfo=UTC))  # a Sunday
    with Stack(clock) as stack:
        newsroom = Newsroom(stack, clock)
        newsroom.found(cadences=CADENCES)
        newsroom.stack.tick()
        yield newsroom


def go(newsroom: Newsroom, hour: int, *, day: int = 22) -> None:
    """To an hour (UTC; Amsterdam is one ahead), with news, and a few beats there."""
    newsroom.to(hour, day=day)
    newsroom.bring(3)
    newsroom.run()


def move(newsroom: Newsroom, sid: str, slot: Slot) -> None:
    newsletter = newsroom.newsletters.get("morning")
    assert newsletter is not None
    assert newsroom.subscribers.move(sid, newsletter, newsroom.clock(), slot=slot)


def test_who_moves_to_an_hour_that_has_passed_gets_todays_at_the_old_one(
    newsroom: Newsroom,
) -> None:
    (ada,) = newsroom.subscribe(1, slot=LATE, prefix="ada")
    newsroom.subscribe(1, slot=EARLY, prefix="ben")
    go(newsroom, 6)
    go(newsroom, 11)

    move(newsroom, ada, EARLY)
    go(newsroom, 17)
    today = newsroom.mailed()
    go(newsroom, 6, day=23)
    go(newsroom, 17, day=23)

    assert today == {"ada0@example.com": 1, "ben0@example.com": 1}
    assert newsroom.mailed() == {"ada0@example.com": 2, "ben0@example.com": 2}
    assert newsroom.counts() == Counts(sent=2)
    assert newsroom.counts("morning/daily/2026-11-23") == Counts(sent=2)


def test_who_moves_and_then_leaves_gets_nothing_anywhere(newsroom: Newsroom) -> None:
    (ada,) = newsroom.subscribe(1, slot=LATE, prefix="ada")
    go(newsroom, 11)

    move(newsroom, ada, EARLY)
    assert newsroom.subscribers.unsubscribe(ada, "morning", "link", newsroom.clock())
    go(newsroom, 17)
    go(newsroom, 6, day=23)

    assert newsroom.mailed() == {}


def test_who_moves_between_the_cut_and_their_turn_is_mailed_where_they_were_counted(
    newsroom: Newsroom,
) -> None:
    (ada,) = newsroom.subscribe(1, slot=EARLY, prefix="ada")
    newsroom.to(6)
    newsroom.bring(3)
    newsroom.stack.tick()
    newsroom.stack.pump(only=["compose"])
    newsroom.clock.advance(seconds=20)

    move(newsroom, ada, LATE)
    newsroom.run()
    go(newsroom, 17)

    assert newsroom.mailed() == {"ada0@example.com": 1}
    assert newsroom.counts() == Counts(sent=1, had=1)


def test_another_cadence_brings_no_second_mail_that_day(newsroom: Newsroom) -> None:
    (ada,) = newsroom.subscribe(1, slot=EARLY, prefix="ada")
    go(newsroom, 6)

    move(newsroom, ada, WEEKLY)
    go(newsroom, 19)
    go(newsroom, 6, day=23)
    sunday = newsroom.mailed()
    go(newsroom, 19, day=29)

    assert sunday == {"ada0@example.com": 1}
    assert newsroom.mailed() == {"ada0@example.com": 2}
    assert newsroom.counts("morning/weekly/2026-11-29") == Counts(sent=1)
