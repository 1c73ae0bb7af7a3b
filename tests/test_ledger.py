"""The conditions that the promise rests on, one by one: who may write what over which row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts
from courant.delivery.evidence import Evidence
from courant.delivery.ledger import Delivery, DeliveryState, Ledger
from courant.editions.model import MOVES, Edition, EditionState, PressingRecord, PressingState
from courant.editions.store import EditionStore
from courant.schedule import EditionId, Slot
from courant.watermark import WatermarkStore
from desk.stack import Stack
from tests.conftest import HandClock

EDITION = EditionId.parse("morning/daily/2026-11-22")
SID = "ab" * 16


@pytest.fixture
def ledger(stack: Stack) -> Ledger:
    return Ledger(stack.table("ledger"))


@pytest.fixture
def evidence(stack: Stack) -> Evidence:
    return Evidence(stack.table("ledger"))


@pytest.fixture
def chunks(stack: Stack) -> ChunkStore:
    return ChunkStore(stack.table("ledger"))


@pytest.fixture
def editions(stack: Stack) -> EditionStore:
    return EditionStore(stack.table("content"))


def claim(ledger: Ledger, clock: HandClock, attempt: str, chunk: str = "one") -> Delivery:
    return ledger.claim(EDITION, SID, attempt=attempt, chunk=chunk, lease=clock.at, now=clock.at)


def row(ledger: Ledger) -> Delivery:
    found = ledger.get(EDITION, SID)
    assert found is not None
    return found


# ── deliveries ───────────────────────────────────────────────────────────────────────────────────


def test_a_second_attempt_does_not_get_a_claimed_row(ledger: Ledger, clock: HandClock) -> None:
    claim(ledger, clock, "first")

    assert claim(ledger, clock, "second").attempt == "first"


def test_a_claim_whose_reply_was_lost_is_ours_on_the_second_try(
    ledger: Ledger, clock: HandClock
) -> None:
    claim(ledger, clock, "mine")

    again = claim(ledger, clock, "mine")

    assert (again.attempt, again.state) == ("mine", DeliveryState.CLAIMED)
    assert row(ledger).tries == 2  # it was written again, not only read


@pytest.mark.parametrize(
    "state",
    [
        DeliveryState.SENT,
        DeliveryState.FAILED,
        DeliveryState.UNKNOWN,
    ],
)
def test_a_row_that_was_or_may_have_been_sent_is_never_claimed_again(
    ledger: Ledger, clock: HandClock, state: DeliveryState
) -> None:
    claim(ledger, clock, "first")
    ledger.record(EDITION, SID, "first", state, clock.at)

    after = claim(ledger, clock, "second")

    assert (after.state, after.attempt) == (state, "first")


@pytest.mark.parametrize(("chunk", "gets_it"), [("one", True), ("two", False)])
def test_a_row_to_be_tried_again_belongs_to_its_chunk(
    ledger: Ledger, clock: HandClock, chunk: str, gets_it: bool
) -> None:
    claim(ledger, clock, "first", "one")
    ledger.record(EDITION, SID, "first", DeliveryState.RETRY, clock.at)

    assert (claim(ledger, clock, "second", chunk).attempt == "second") is gets_it


def test_only_the_attempt_that_claimed_records(ledger: Ledger, clock: HandClock) -> None:
    claim(ledger, clock, "first")

    assert not ledger.record(EDITION, SID, "second", DeliveryState.SENT, clock.at)
    assert ledger.record(EDITION, SID, "first", DeliveryState.SENT, clock.at)
    assert not ledger.record(EDITION, SID, "first", DeliveryState.FAILED, clock.at)
    assert row(ledger).state is DeliveryState.SENT


@pytest.mark.parametrize(("chunk", "skips"), [("one", True), ("two", False)])
def test_who_waits_for_another_try_may_still_be_skipped_by_the_same_chunk(
    ledger: Ledger, clock: HandClock, chunk: str, skips: bool
) -> None:
    claim(ledger, clock, "first", "one")
    ledger.record(EDITION, SID, "first", DeliveryState.RETRY, clock.at)

    after = ledger.skip(EDITION, SID, chunk=chunk, reason="left", now=clock.at)

    assert (after.state is DeliveryState.SKIPPED) is skips


def test_who_may_have_been_mailed_is_never_written_off_as_skipped(
    ledger: Ledger, clock: HandClock
) -> None:
    claim(ledger, clock, "first")

    after = ledger.skip(EDITION, SID, chunk="one", reason="left", now=clock.at)

    assert after.state is DeliveryState.CLAIMED


def test_word_that_came_in_the_meantime_wins_over_settling(
    ledger: Ledger, evidence: Evidence, clock: HandClock
) -> None:
    before = claim(ledger, clock, "first")
    evidence.tell(EDITION, SID, DeliveryState.SENT, "Send", clock.at)

    assert not ledger.settle(EDITION, before, DeliveryState.UNRESOLVED, clock.at, "late")
    assert row(ledger).state is DeliveryState.SENT


def test_evidence_settles_open_rows_and_leaves_final_ones(
    ledger: Ledger, evidence: Evidence, clock: HandClock
) -> None:
    assert not evidence.tell(EDITION, SID, DeliveryState.SENT, "Send", clock.at)
    claim(ledger, clock, "first")
    assert evidence.tell(EDITION, SID, DeliveryState.SENT, "Send", clock.at)
    assert not evidence.tell(EDITION, SID, DeliveryState.FAILED, "Reject", clock.at)
    assert row(ledger).state is DeliveryState.SENT


def test_a_claim_for_what_has_no_edition_is_had_once(ledger: Ledger, clock: HandClock) -> None:
    assert ledger.once("r1", "a", clock.at)
    assert not ledger.once("r1", "a", clock.at)
    assert ledger.once("r1", "b", clock.at)


def test_that_ses_dropped_an_attempt_says_nothing_of_a_later_one(
    ledger: Ledger, evidence: Evidence, clock: HandClock
) -> None:
    claim(ledger, clock, "first")
    ledger.record(EDITION, SID, "first", DeliveryState.RETRY, clock.at)
    claim(ledger, clock, "second")
    failed = DeliveryState.FAILED

    assert not evidence.tell(EDITION, SID, failed, "Reject", clock.at, attempt="first")
    assert evidence.tell(EDITION, SID, failed, "Reject", clock.at, attempt="second")


def unresolved(ledger: Ledger, clock: HandClock) -> None:
    claimed = claim(ledger, clock, "first")
    assert ledger.settle(EDITION, claimed, DeliveryState.UNRESOLVED, clock.at, "lease ran out")


def test_word_of_an_unresolved_digest_is_counted_in_its_chunk_that_is_done(
    ledger: Ledger, evidence: Evidence, chunks: ChunkStore, clock: HandClock
) -> None:
    opened(chunks, clock)
    unresolved(ledger, clock)
    chunks.release(taken(chunks, clock), ChunkState.DONE, Counts(sent=2, unresolved=1))

    assert evidence.tell(EDITION, SID, DeliveryState.SENT, "Delivery", clock.at)

    (chunk,) = chunks.of_edition(EDITION)
    assert chunk.counts == Counts(sent=3)
    assert row(ledger).state is DeliveryState.SENT


def test_word_of_an_unresolved_digest_makes_who_counts_its_chunk_count_anew(
    ledger: Ledger, evidence: Evidence, chunks: ChunkStore, clock: HandClock
) -> None:
    opened(chunks, clock)
    unresolved(ledger, clock)
    counting = taken(chunks, clock)

    assert evidence.tell(EDITION, SID, DeliveryState.SENT, "Delivery", clock.at)

    assert row(ledger).state is DeliveryState.SENT
    assert chunks.release(counting, ChunkState.DONE, Counts(sent=2, unresolved=1)) is None


def test_an_attempt_settled_by_another_is_not_settled_by_who_read_it_before(
    ledger: Ledger, clock: HandClock
) -> None:
    before = claim(ledger, clock, "first")
    ledger.record(EDITION, SID, "first", DeliveryState.RETRY, clock.at)
    claim(ledger, clock, "second")

    assert not ledger.settle(EDITION, before, DeliveryState.UNRESOLVED, clock.at, "lease ran out")


def tried_again(ledger: Ledger, clock: HandClock) -> Delivery:
    """The first attempt is in doubt, and another is to be made."""
    claimed = claim(ledger, clock, "first")
    assert ledger.settle(EDITION, claimed, DeliveryState.RETRY, clock.at, "an editor's word")
    return claimed


def test_a_second_try_that_failed_leaves_the_first_in_doubt(
    ledger: Ledger, clock: HandClock
) -> None:
    tried_again(ledger, clock)
    claim(ledger, clock, "second")

    recorded = ledger.record(
        EDITION, SID, "second", DeliveryState.FAILED, clock.at, reason="MessageRejected"
    )

    assert recorded is DeliveryState.UNRESOLVED
    assert (row(ledger).state, row(ledger).reason) == (recorded, "MessageRejected")


def test_a_second_try_that_was_sent_ends_the_doubt(ledger: Ledger, clock: HandClock) -> None:
    tried_again(ledger, clock)
    claim(ledger, clock, "second")

    sent = ledger.record(EDITION, SID, "second", DeliveryState.SENT, clock.at)

    assert sent is DeliveryState.SENT is row(ledger).state


@pytest.mark.parametrize(("chunk", "comes_to"), [("one", "unresolved"), ("two", "retry")])
def test_who_left_before_a_second_try_may_have_had_the_first(
    ledger: Ledger, clock: HandClock, chunk: str, comes_to: str
) -> None:
    tried_again(ledger, clock)

    after = ledger.skip(EDITION, SID, chunk=chunk, reason="left", now=clock.at)

    assert after.state == row(ledger).state == comes_to
    assert after.reason == row(ledger).reason


def test_a_second_try_that_ses_dropped_leaves_the_first_in_doubt(
    ledger: Ledger, evidence: Evidence, clock: HandClock
) -> None:
    tried_again(ledger, clock)
    claim(ledger, clock, "second")
    failed = DeliveryState.FAILED

    assert not evidence.tell(EDITION, SID, failed, "Reject", clock.at, attempt="first")
    assert evidence.tell(EDITION, SID, failed, "Reject", clock.at, attempt="second")

    assert row(ledger).state is DeliveryState.UNRESOLVED
    # Nothing new, and nothing to be counted anew: it must not come again for ever.
    assert not evidence.tell(EDITION, SID, failed, "Reject", clock.at, attempt="second")
    assert not evidence.tell(EDITION, SID, failed, "Reject", clock.at, attempt="first")


def test_the_first_try_dropped_by_ses_is_no_longer_in_doubt(
    ledger: Ledger, evidence: Evidence, clock: HandClock
) -> None:
    tried_again(ledger, clock)

    failed = DeliveryState.FAILED
    assert evidence.tell(EDITION, SID, failed, "Reject", clock.at, attempt="first")
    assert row(ledger).state is failed


def test_of_several_tries_the_first_stays_in_doubt(ledger: Ledger, clock: HandClock) -> None:
    tried_again(ledger, clock)
    second = claim(ledger, clock, "second")
    ledger.settle(EDITION, second, DeliveryState.RETRY, clock.at, "an editor's word")

    assert row(ledger).doubt == "first"


def test_who_read_a_row_does_not_settle_it_when_it_has_come_back(
    ledger: Ledger, clock: HandClock
) -> None:
    unresolved(ledger, clock)
    read = row(ledger)
    assert ledger.settle(EDITION, read, DeliveryState.RETRY, clock.at, "an editor's word")
    clock.at += timedelta(seconds=1)
    ledger.skip(EDITION, SID, chunk="one", reason="left", now=clock.at)

    assert not ledger.settle(EDITION, read, DeliveryState.RETRY, clock.at, "an editor's word")
    assert row(ledger).state is DeliveryState.UNRESOLVED


# ── chunks ───────────────────────────────────────────────────────────────────────────────────────


def opened(chunks: ChunkStore, clock: HandClock) -> Chunk:
    chunk = Chunk(
        edition=EDITION,
        id="one",
        state=ChunkState.OPEN,
        instant=clock.at,
        pressing=0,
        slot=Slot("daily"),
        range="a",
        cut_at=clock.at,
        cursor="",
        members=3,
        counts=Counts(),
        fence=0,
        lease_until=None,
        nudged_at=clock.at,
        epoch="1",
    )
    chunks.create(chunk)
    return chunk


def take(chunks: ChunkStore, clock: HandClock, minutes: int = 3) -> Chunk | None:
    return chunks.take(EDITION, "one", clock.at + timedelta(minutes=minutes), clock.at)


def taken(chunks: ChunkStore, clock: HandClock) -> Chunk:
    chunk = take(chunks, clock)
    assert chunk is not None
    return chunk


def test_only_one_walks_a_chunk_until_its_lease_runs_out(
    chunks: ChunkStore, clock: HandClock
) -> None:
    opened(chunks, clock)
    first = taken(chunks, clock)

    assert take(chunks, clock) is None
    clock.advance(minutes=3, seconds=1)
    second = taken(chunks, clock)

    assert second.fence == first.fence + 1


def test_who_lost_the_lease_can_neither_move_the_cursor_nor_release(
    chunks: ChunkStore, clock: HandClock
) -> None:
    opened(chunks, clock)
    zombie = taken(chunks, clock)
    clock.advance(minutes=4)
    owner = taken(chunks, clock)

    assert chunks.advance(zombie, "ff", Counts(sent=9), clock.at) is None
    assert chunks.release(zombie, ChunkState.DONE, Counts(sent=9)) is None
    moved = chunks.advance(owner, "ab", Counts(sent=1), clock.at)
    assert moved is not None
    assert (moved.cursor, moved.counts) == ("ab", Counts(sent=1))


def test_a_chunk_that_is_done_is_not_walked_again(chunks: ChunkStore, clock: HandClock) -> None:
    opened(chunks, clock)
    chunks.release(taken(chunks, clock), ChunkState.DONE, Counts(sent=3))

    assert take(chunks, clock) is None
    assert chunks.take(EDITION, "never made", clock.at, clock.at) is None


def test_a_chunk_planned_twice_keeps_what_it_has_reached(
    chunks: ChunkStore, clock: HandClock
) -> None:
    opened(chunks, clock)
    chunks.advance(taken(chunks, clock), "ab", Counts(sent=1), clock.at)

    opened(chunks, clock)

    (chunk,) = chunks.of_edition(EDITION)
    assert (chunk.cursor, chunk.counts) == ("ab", Counts(sent=1))


def test_of_two_beats_one_nudges(chunks: ChunkStore, clock: HandClock) -> None:
    chunk = opened(chunks, clock)
    clock.advance(minutes=5)

    assert chunks.nudged(chunk, clock.at)
    assert not chunks.nudged(chunk, clock.at + timedelta(seconds=1))


def test_a_chunk_is_stuck_from_its_first_vain_visit_until_it_gets_on(
    chunks: ChunkStore, clock: HandClock
) -> None:
    opened(chunks, clock)
    since = clock.at

    for _ in range(2):
        left = chunks.leave(taken(chunks, clock), "throttled", clock.at, stuck=True)
        clock.advance(hours=1)
    assert left is not None
    assert left.stuck_since == since

    again = taken(chunks, clock)
    still = chunks.advance(again, again.cursor, Counts(), clock.at)
    moved = chunks.advance(again, "ab", Counts(sent=1), clock.at)
    assert still is not None
    assert moved is not None
    assert (still.stuck_since, moved.stuck_since) == (since, None)


def test_a_chunk_that_is_left_for_another_reason_is_not_stuck(
    chunks: ChunkStore, clock: HandClock
) -> None:
    opened(chunks, clock)
    chunks.leave(taken(chunks, clock), "throttled", clock.at, stuck=True)

    left = chunks.leave(taken(chunks, clock), "deadline", clock.at, stuck=False)

    assert left is not None
    assert left.stuck_since is None


# ── editions ─────────────────────────────────────────────────────────────────────────────────────


def an_edition(clock: HandClock, state: EditionState = EditionState.SCHEDULED) -> Edition:
    return Edition(
        id=EDITION,
        state=state,
        started_at=clock.at,
        closes_at=clock.at,
        by_hand=False,
        epoch="1",
        moved_at=clock.at,
    )


def a_pressing(clock: HandClock) -> PressingRecord:
    return PressingRecord(
        edition=EDITION,
        instant=clock.at,
        slots=(Slot("daily"),),
        state=PressingState.WAITING,
        touched_at=clock.at,
    )


def test_an_edition_is_made_once_and_moves_only_from_where_it_is(
    editions: EditionStore, clock: HandClock
) -> None:
    assert editions.create(an_edition(clock))
    assert not editions.create(an_edition(clock))
    assert not move(editions, clock, EditionState.SENDING, EditionState.PAUSED)
    assert move(editions, clock, EditionState.SCHEDULED, EditionState.SKIPPED)
    assert list(editions.open()) == []
    assert not editions.restart(an_edition(clock), EditionState.EXPIRED, by="editor:ann")
    assert editions.restart(an_edition(clock), EditionState.SKIPPED, by="editor:ann")
    assert [edition.id for edition in editions.open()] == [EDITION]


@pytest.mark.parametrize("before", EditionState)
@pytest.mark.parametrize("after", EditionState)
def test_an_edition_makes_only_the_moves_there_are(
    editions: EditionStore, clock: HandClock, before: EditionState, after: EditionState
) -> None:
    editions.create(an_edition(clock, before))

    if after in MOVES[before]:
        assert move(editions, clock, before, after)
        assert the_edition(editions).state is after
    else:
        with pytest.raises(ValueError, match="can't go"):
            move(editions, clock, before, after)
        assert the_edition(editions).state is before


def test_every_change_of_state_is_audited_once_and_none_that_was_not(
    editions: EditionStore, clock: HandClock
) -> None:
    editions.create(an_edition(clock))
    clock.advance(minutes=1)
    move(editions, clock, EditionState.SCHEDULED, EditionState.PAUSED, reason="wait for the photo")
    move(editions, clock, EditionState.SCHEDULED, EditionState.CANCELLED)  # it is not scheduled
    move(editions, clock, EditionState.PAUSED, EditionState.SENDING, attended=True)

    trail = editions.audit(EDITION)

    assert sorted((entry.before, entry.after, entry.reason) for entry in trail[1:]) == sorted(
        [
            (EditionState.SCHEDULED, EditionState.PAUSED, "wait for the photo"),
            (EditionState.PAUSED, EditionState.SENDING, None),
        ]
    )
    assert trail[0].before is None
    assert {entry.by for entry in trail[1:]} == {"editor:ann"}
    assert the_edition(editions).attended
    assert the_edition(editions).moved_at == clock.at


def test_a_cancelled_edition_asks_for_work_until_its_chunks_are_closed(
    editions: EditionStore, clock: HandClock
) -> None:
    editions.create(an_edition(clock, EditionState.SENDING))
    assert not editions.rest(EDITION)
    move(editions, clock, EditionState.SENDING, EditionState.CANCELLED)

    assert [edition.id for edition in editions.open()] == [EDITION]
    assert editions.rest(EDITION)
    assert list(editions.open()) == []


def test_an_edition_that_is_to_try_the_unresolved_again_asks_for_work_again(
    editions: EditionStore, clock: HandClock
) -> None:
    editions.create(an_edition(clock, EditionState.SETTLING))
    move(editions, clock, EditionState.SETTLING, EditionState.SENT_WITH_UNRESOLVED)
    assert list(editions.open()) == []

    before = EditionState.SENT_WITH_UNRESOLVED
    assert move(editions, clock, before, EditionState.SENDING, resend_before=clock.at)

    (edition,) = editions.open()
    assert edition.resend_before == clock.at


def the_edition(editions: EditionStore) -> Edition:
    edition = editions.get(EDITION)
    assert edition is not None
    return edition


def move(
    editions: EditionStore,
    clock: HandClock,
    before: EditionState,
    after: EditionState,
    **more: Any,
) -> bool:
    return editions.move(EDITION, before, after, by="editor:ann", now=clock.at, **more)


def test_a_pressing_is_made_once_and_moves_only_from_where_it_is(
    editions: EditionStore, clock: HandClock
) -> None:
    record = a_pressing(clock)

    assert editions.add_pressing(record)
    assert not editions.add_pressing(record)
    assert editions.touch_pressing(record, clock.at + timedelta(minutes=2))
    assert not editions.touch_pressing(record, clock.at + timedelta(minutes=2))
    assert editions.move_pressing(record, PressingState.PRESSED, clock.at, members=3)
    assert not editions.move_pressing(record, PressingState.SKIPPED, clock.at)
    (found,) = editions.pressings(EDITION)
    assert (found.state, found.members) == (PressingState.PRESSED, 3)


def test_what_is_no_lost_race_is_raised(stack: Stack, clock: HandClock) -> None:
    def refuse(_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdateItem")

    watermark = WatermarkStore(stack.table("content"))
    stack.calls.before = refuse
    with stack.calls.of("heartbeat"), pytest.raises(ClientError):
        watermark.move(clock.at, "1")
