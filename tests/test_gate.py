"""Whether one more mail may go out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from courant.delivery.gate import FENCE, FRESH, Gate, Stop
from courant.editions.model import Edition, EditionState
from courant.editions.store import EditionStore
from courant.schedule import EditionId
from desk.stack import Call, Stack
from tests.conftest import HandClock

ID = EditionId.parse("morning/daily/2026-11-22")


@pytest.fixture
def editions(stack: Stack, clock: HandClock) -> EditionStore:
    editions = EditionStore(stack.table("content"))
    editions.create(
        Edition(
            id=ID,
            state=EditionState.SENDING,
            started_at=clock.at,
            closes_at=clock.at,
            by_hand=False,
            epoch="1",
            moved_at=clock.at,
        )
    )
    return editions


def gate(editions: EditionStore, clock: HandClock, *, epoch: str = "1") -> Gate:
    edition = editions.get(ID)
    assert edition is not None
    return Gate(editions, edition, epoch, clock.at + timedelta(seconds=60), clock, read_at=clock.at)


def test_no_mail_begins_close_to_the_deadline(editions: EditionStore, clock: HandClock) -> None:
    opened = gate(editions, clock)
    clock.at += timedelta(seconds=60) - FENCE - timedelta(microseconds=1)
    assert opened.stop() is None

    clock.advance(microseconds=1)

    assert opened.stop() is Stop.DEADLINE
    assert not opened.in_time()


def test_a_pause_while_the_first_answer_was_on_its_way_is_seen(
    editions: EditionStore, clock: HandClock
) -> None:
    asked_at, read = clock.at, editions.get(ID)
    assert read is not None
    editions.move(ID, EditionState.SENDING, EditionState.PAUSED, by="editor:ann", now=clock.at)
    clock.advance(seconds=8)
    opened = Gate(editions, read, "1", clock.at + timedelta(seconds=60), clock, read_at=asked_at)

    assert opened.stop() is Stop.NOT_SENDING


def test_a_pause_is_seen_within_three_seconds(editions: EditionStore, clock: HandClock) -> None:
    opened = gate(editions, clock)
    editions.move(ID, EditionState.SENDING, EditionState.PAUSED, by="editor:ann", now=clock.at)
    clock.at += FRESH
    seen_late = opened.stop()

    clock.advance(microseconds=1)

    assert seen_late is None  # what is known is as old as it may be
    assert opened.stop() is Stop.NOT_SENDING


def test_an_edition_is_not_read_for_every_mail(
    editions: EditionStore, clock: HandClock, stack: Stack
) -> None:
    opened = gate(editions, clock)
    reads: list[Call] = []
    stack.calls.before = reads.append
    with stack.calls.of("deliver"):
        for _ in range(100):
            clock.advance(milliseconds=50)
            assert opened.stop() is None

    assert len(reads) == 1


def test_another_epoch_sends_nothing(editions: EditionStore, clock: HandClock) -> None:
    assert gate(editions, clock, epoch="2").stop() is Stop.NOT_SENDING


@pytest.mark.parametrize("state", EditionState)
def test_only_an_edition_that_is_to_be_sent_is_sent(
    stack: Stack, clock: HandClock, state: EditionState
) -> None:
    editions = EditionStore(stack.table("content"))
    edition = Edition(
        id=ID,
        state=state,
        started_at=clock.at,
        closes_at=clock.at,
        by_hand=False,
        epoch="1",
        moved_at=clock.at,
    )
    opened = Gate(editions, edition, "1", clock.at + timedelta(seconds=60), clock, read_at=clock.at)

    sends = {"sending", "settling"}
    assert (opened.stop() is None) == (state.value in sends)
