"""Rate, time left and last words of an edition that is looked at."""

from datetime import UTC, datetime, timedelta

import pytest

from courant.editions.model import OPEN, Edition, EditionState
from courant.schedule import EditionId
from desk.edition_progress import Progress, Sight, beside_bar, ending, line
from desk.edition_totals import Totals

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def sight(
    seconds: float,
    state: EditionState = EditionState.SENDING,
    *,
    reason: str | None = None,
    **counts: int,
) -> Sight:
    edition = Edition(
        id=EditionId.parse("morning/daily/2026-11-22"),
        state=state,
        started_at=START,
        closes_at=START,
        by_hand=True,
        epoch="1",
        moved_at=START,
        reason=reason,
    )
    return Sight(START + timedelta(seconds=seconds), edition, Totals(**counts))


def after(*sights: Sight) -> Progress:
    progress = Progress()
    for one in sights:
        progress.saw(one)
    return progress


def test_rate_and_time_left_come_from_the_last_minute() -> None:
    progress = after(
        sight(0, members=10_000),
        sight(10, members=10_000, sent=5_000),  # a burst, long ago
        sight(70, members=10_000, sent=8_000),
    )

    assert progress.rate == 50
    assert progress.left == timedelta(seconds=40)
    assert line(progress).endswith(
        "is sending: 8,000 of 10,000 · 8,000 sent, 0 failed, 0 unresolved · 50.0 a second"
        " · under a minute left"
    )


def test_who_was_not_mailed_is_no_part_of_the_rate_but_of_what_is_done() -> None:
    progress = after(
        sight(0, members=1_000),
        sight(10, members=1_000, sent=100, skipped=300, failed=100),
    )

    assert progress.rate == 10
    assert progress.left == timedelta(seconds=50)
    assert beside_bar(progress).startswith("500 of 1,000 · 100 sent, 100 failed, 0 unresolved, ")


@pytest.mark.parametrize(
    "looks",
    [
        [sight(0, members=100, sent=50)],
        [sight(0, members=100, sent=50), sight(30, members=100, sent=50)],
        [sight(0, members=100, sent=50), sight(30, members=100, sent=51)],
        [sight(0, members=100, sent=10), sight(0, members=100, sent=90)],
    ],
    ids=["one look", "nothing moved", "a single mail", "no time passed"],
)
def test_no_rate_is_made_up(looks: list[Sight]) -> None:
    progress = after(*looks)

    assert progress.rate is None
    assert progress.left is None
    assert "second" not in line(progress)


def test_the_time_before_it_was_sending_does_not_slow_its_rate_down() -> None:
    progress = after(
        sight(0, EditionState.COMPOSING),
        sight(50, EditionState.SENDING, members=100),
        sight(55, EditionState.SENDING, members=100, sent=50),
    )

    assert progress.rate == 10


def test_what_only_waits_for_word_has_no_time_left_to_tell() -> None:
    progress = after(
        sight(0, EditionState.SETTLING, members=100, sent=50),
        sight(10, EditionState.SETTLING, members=100, sent=60),
    )

    assert progress.rate == 1
    assert progress.left is None


def test_before_there_are_members_only_the_state_is_told() -> None:
    assert line(after(sight(0, EditionState.COMPOSING))) == (
        "morning/daily/2026-11-22 is composing"
    )


@pytest.mark.parametrize("state", EditionState)
def test_it_stops_when_it_is_over_or_paused(state: EditionState) -> None:
    assert sight(0, state).stopped == (state not in OPEN or state is EditionState.PAUSED)


def test_a_paused_edition_says_why_and_what_to_do() -> None:
    said = ending(sight(0, EditionState.PAUSED, reason="AWS is off.", members=9, sent=4))

    assert said[:2] == (
        "morning/daily/2026-11-22 is paused: 4 sent, 0 failed, 0 unresolved.",
        "AWS is off.",
    )
    assert any("courant editions resume morning/daily/2026-11-22" in one for one in said)
    assert any("courant editions cancel morning/daily/2026-11-22" in one for one in said)


def test_unresolved_digests_are_not_left_at_that() -> None:
    said = ending(sight(0, EditionState.SENT_WITH_UNRESOLVED, members=9, sent=8, unresolved=1))

    assert any("retry-unresolved morning/daily/2026-11-22" in one for one in said)
    assert len(ending(sight(0, EditionState.SENT, members=9, sent=9))) == 1
