"""What an open edition needs next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from courant.delivery.chunks import Chunk, ChunkState, Counts
from courant.delivery.watch import PATIENCE, Work, next_work
from courant.editions.model import Edition, EditionState, PressingRecord, PressingState
from courant.schedule import EditionId, Slot

NOW = datetime(2026, 11, 22, 6, 10, tzinfo=UTC)
ID = EditionId("morning", "daily", date(2026, 11, 22))
INSTANT = datetime(2026, 11, 22, 6, tzinfo=UTC)
EDITION = Edition(
    id=ID,
    state=EditionState.SENDING,
    started_at=INSTANT,
    closes_at=INSTANT,
    by_hand=False,
    epoch="1",
    moved_at=INSTANT,
)
PRESSED = PressingRecord(
    edition=ID,
    instant=INSTANT,
    slots=(Slot("daily"),),
    state=PressingState.PRESSED,
    touched_at=INSTANT,
)
WAITING = replace(PRESSED, state=PressingState.WAITING)
CHUNK = Chunk(
    edition=ID,
    id="one",
    state=ChunkState.OPEN,
    instant=INSTANT,
    pressing=0,
    slot=Slot("daily"),
    range="0",
    cut_at=INSTANT,
    cursor="",
    members=3,
    counts=Counts(),
    fence=0,
    lease_until=None,
    nudged_at=INSTANT,
    epoch="1",
)
DONE = replace(CHUNK, id="done", state=ChunkState.DONE)


def test_a_pressing_that_nobody_composed_is_enqueued_again() -> None:
    assert next_work(EDITION, [WAITING], [], NOW) == Work(recompose=(WAITING,))


def test_a_pressing_that_just_began_to_wait_is_left_alone() -> None:
    fresh = replace(WAITING, touched_at=NOW - PATIENCE + timedelta(seconds=1))

    assert next_work(EDITION, [fresh], [], NOW) == Work()


@pytest.mark.parametrize(
    ("chunk", "nudged"),
    [
        (CHUNK, True),
        (replace(CHUNK, state=ChunkState.SETTLING), True),
        (replace(CHUNK, lease_until=NOW + timedelta(seconds=1)), False),
        (replace(CHUNK, lease_until=NOW - timedelta(seconds=1)), True),
        (replace(CHUNK, nudged_at=NOW - timedelta(seconds=30)), False),
        (DONE, False),
    ],
)
def test_only_a_chunk_that_nobody_works_on_is_nudged(chunk: Chunk, nudged: bool) -> None:
    work = next_work(EDITION, [PRESSED], [chunk], NOW)

    assert work.nudge == ((chunk,) if nudged else ())


def test_a_paused_edition_nudges_nobody() -> None:
    paused = replace(EDITION, state=EditionState.PAUSED)

    assert next_work(paused, [PRESSED], [CHUNK], NOW).nudge == ()


def test_the_last_chunk_finishes_the_pressing_and_the_edition() -> None:
    work = next_work(EDITION, [PRESSED], [DONE], NOW)

    assert work == Work(finish=(PRESSED,), close=(EditionState.SETTLING, EditionState.SENT))


def test_an_open_chunk_keeps_both_open() -> None:
    work = next_work(EDITION, [PRESSED], [DONE, CHUNK], NOW)

    assert work.finish == ()
    assert work.close == ()


def test_an_edition_waits_for_the_hours_still_to_come() -> None:
    later = replace(EDITION, closes_at=NOW + timedelta(hours=1))

    assert next_work(later, [PRESSED], [DONE], NOW) == Work(finish=(PRESSED,))


@pytest.mark.parametrize(
    ("states", "unresolved", "ends"),
    [
        ([PressingState.DONE], 0, EditionState.SENT),
        ([PressingState.DONE], 1, EditionState.SENT_WITH_UNRESOLVED),
        ([PressingState.SKIPPED], 0, EditionState.SKIPPED),
        ([PressingState.EXPIRED], 0, EditionState.EXPIRED),
        ([PressingState.SKIPPED, PressingState.DONE], 0, EditionState.SENT),
        ([PressingState.SKIPPED, PressingState.EXPIRED], 0, EditionState.SKIPPED),
    ],
)
def test_how_an_edition_ends(
    states: list[PressingState], unresolved: int, ends: EditionState
) -> None:
    records = [
        replace(PRESSED, state=state, instant=INSTANT + timedelta(minutes=n))
        for n, state in enumerate(states)
    ]
    chunk = replace(DONE, counts=Counts(sent=3 - unresolved, unresolved=unresolved))

    assert next_work(EDITION, records, [chunk], NOW).close[-1] is ends


def test_an_edition_without_pressings_is_not_over() -> None:
    assert next_work(EDITION, [], [], NOW) == Work()
