"""What an open edition needs next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.delivery.brake import Heard
from courant.delivery.chunks import Chunk, ChunkState, Counts
from courant.delivery.watch import COMPOSED_BY, PATIENCE, Work, next_work
from courant.editions.model import (
    MOVES,
    OPEN,
    Edition,
    EditionState,
    PressingRecord,
    PressingState,
)
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

    chunks = [chunk] if PressingState.DONE in states else []
    assert next_work(EDITION, records, chunks, NOW).close[-1] is ends


def test_an_edition_without_pressings_is_not_over() -> None:
    assert next_work(EDITION, [], [], NOW) == Work()


# ── who is nudged ────────────────────────────────────────────────────────────────────────────────


def chunk(name: str, **changes: object) -> Chunk:
    return replace(CHUNK, id=name, **changes)  # type: ignore[arg-type]  # any field of a chunk


def names(work: Work) -> list[str]:
    return [one.id for one in work.nudge]


def test_no_more_chunks_are_woken_than_the_rate_keeps_busy_longest_waiting_first() -> None:
    waiting = [chunk(str(n), nudged_at=INSTANT - timedelta(minutes=n)) for n in range(5)]

    assert names(next_work(EDITION, [PRESSED], waiting, NOW, walkers=2)) == ["4", "3"]


def test_chunks_that_are_walked_or_were_just_nudged_take_a_walkers_place() -> None:
    chunks = [
        chunk("walked", lease_until=NOW + timedelta(minutes=1)),
        chunk("nudged", nudged_at=NOW - timedelta(seconds=10)),
        chunk("idle"),
        chunk("idler"),
    ]

    assert names(next_work(EDITION, [PRESSED], chunks, NOW, walkers=3)) == ["idle"]
    assert names(next_work(EDITION, [PRESSED], chunks, NOW, walkers=2)) == []


def test_a_chunk_that_waits_for_word_is_looked_at_beside_the_walkers() -> None:
    chunks = [
        chunk("walked", lease_until=NOW + timedelta(minutes=1)),
        chunk("settling", state=ChunkState.SETTLING),
    ]

    assert names(next_work(EDITION, [PRESSED], chunks, NOW, walkers=1)) == ["settling"]


def test_after_a_resume_nudges_from_before_the_pause_count_for_nothing() -> None:
    resumed = replace(EDITION, attended=True, moved_at=NOW - timedelta(seconds=20))
    eaten = chunk("eaten", nudged_at=NOW - timedelta(seconds=30))
    fresh = chunk("fresh", nudged_at=NOW - timedelta(seconds=10))

    assert names(next_work(resumed, [PRESSED], [eaten, fresh], NOW, walkers=2)) == ["eaten"]


# ── what pauses ──────────────────────────────────────────────────────────────────────────────────

HALTED = chunk("halted", halted_at=NOW, reason="AccountSuspendedException")


def test_what_halts_a_chunk_halts_the_edition() -> None:
    assert next_work(EDITION, [PRESSED], [HALTED], NOW).halted == "AccountSuspendedException"


def test_what_halted_before_an_editor_resumed_is_old_news() -> None:
    resumed = replace(EDITION, attended=True, moved_at=NOW + timedelta(seconds=1))

    assert next_work(resumed, [PRESSED], [HALTED], NOW).halted is None


def test_an_edition_that_is_spread_waits_for_its_quota() -> None:
    spent = replace(HALTED, reason="quota")
    spread = replace(EDITION, spread=True)

    assert next_work(EDITION, [PRESSED], [spent], NOW).halted == "quota"
    assert next_work(spread, [PRESSED], [spent], NOW).halted is None
    assert next_work(spread, [PRESSED], [HALTED], NOW).halted == HALTED.reason


def test_a_chunk_that_was_walked_on_since_halts_nobody() -> None:
    done = replace(HALTED, state=ChunkState.DONE)

    assert next_work(EDITION, [PRESSED], [done], NOW).halted is None


def test_what_comes_back_pauses_unless_an_editor_let_it() -> None:
    sent = replace(CHUNK, counts=Counts(sent=200))
    heard = Heard(delivered=150, bounced=50)

    def paused(edition: Edition) -> bool:
        return next_work(edition, [PRESSED], [sent], NOW, heard=heard).brake is not None

    assert paused(EDITION)
    assert not paused(replace(EDITION, braked=True))
    assert not paused(replace(EDITION, state=EditionState.SETTLING))


# ── an editor's hand ─────────────────────────────────────────────────────────────────────────────

LEFT_OPEN = replace(DONE, counts=Counts(sent=2, unresolved=1))


def test_what_is_unresolved_is_tried_again_once_each_time_an_editor_asks() -> None:
    asked = replace(EDITION, resend_before=NOW)
    tried = replace(LEFT_OPEN, resent=NOW)
    tried_before = replace(LEFT_OPEN, resent=NOW - timedelta(hours=1))

    work = next_work(asked, [PRESSED], [LEFT_OPEN, DONE, tried, tried_before], NOW)

    assert work.reopen == (LEFT_OPEN, tried_before)
    assert work.close == ()
    assert next_work(EDITION, [PRESSED], [LEFT_OPEN], NOW).reopen == ()


def test_a_cancelled_edition_closes_its_chunks_and_then_rests() -> None:
    cancelled = replace(EDITION, state=EditionState.CANCELLED, moved_at=NOW - timedelta(minutes=1))
    later = NOW + COMPOSED_BY

    unbegun = replace(WAITING, instant=NOW)

    work = next_work(cancelled, [unbegun], [CHUNK, DONE], NOW)

    assert (work.nudge, work.drop, work.rest) == ((CHUNK,), (unbegun,), False)
    assert not next_work(cancelled, [PRESSED], [DONE], NOW).rest  # compose may be at it yet
    assert next_work(cancelled, [PRESSED], [DONE], later).rest
    assert not next_work(cancelled, [PRESSED], [CHUNK], later).rest
    assert next_work(cancelled, [PRESSED], [DONE], later).close == ()


def test_of_a_cancelled_edition_whose_chunks_were_being_opened_the_audience_is_counted_whole() -> (
    None
):
    cancelled = replace(EDITION, state=EditionState.CANCELLED, moved_at=NOW - timedelta(days=1))

    work = next_work(cancelled, [WAITING], [DONE], NOW)

    assert (work.recompose, work.drop, work.rest) == ((WAITING,), (), False)


def test_an_edition_settles_while_the_fate_of_some_is_not_known() -> None:
    settling = replace(CHUNK, state=ChunkState.SETTLING)

    assert next_work(EDITION, [PRESSED], [DONE, settling], NOW).close == (EditionState.SETTLING,)
    settled = replace(EDITION, state=EditionState.SETTLING)
    assert next_work(settled, [PRESSED], [DONE, settling], NOW).close == ()
    assert next_work(settled, [PRESSED], [DONE], NOW).close == (EditionState.SENT,)


@pytest.mark.parametrize("state", [EditionState.SCHEDULED, EditionState.COMPOSING])
def test_an_edition_of_which_compose_died_before_it_said_that_it_is_sent_is_sent(
    state: EditionState,
) -> None:
    unsaid = replace(EDITION, state=state)

    assert next_work(unsaid, [PRESSED], [CHUNK], NOW).close[-1] is EditionState.SENDING
    assert next_work(unsaid, [PRESSED], [DONE], NOW).close[-1] is EditionState.SENDING
    assert next_work(unsaid, [WAITING], [CHUNK], NOW).close == ()


def test_nobody_walks_the_chunks_of_an_instant_that_compose_is_still_opening() -> None:
    assert next_work(EDITION, [WAITING], [CHUNK], NOW).nudge == ()


@given(
    st.sampled_from(sorted(OPEN)),
    st.lists(st.sampled_from(PressingState), max_size=3),
    st.lists(st.sampled_from(ChunkState), max_size=3),
    st.integers(0, 1),
    st.integers(-1, 1),
)
def test_every_end_is_reached_by_moves_there_are(
    state: EditionState,
    pressings: list[PressingState],
    chunks: list[ChunkState],
    unresolved: int,
    hours: int,
) -> None:
    edition = replace(EDITION, state=state, closes_at=NOW + timedelta(hours=hours))
    records = [
        replace(PRESSED, state=one, instant=INSTANT + timedelta(minutes=n))
        for n, one in enumerate(pressings)
    ]
    some = [
        chunk(str(n), state=one, counts=Counts(unresolved=unresolved))
        for n, one in enumerate(chunks)
    ]

    before = state
    for after in next_work(edition, records, some, NOW).close:
        assert after in MOVES[before]
        before = after
