"""What becomes of digests whose fate is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from courant.delivery import reconcile
from courant.delivery.chunks import Chunk, ChunkState, Counts
from courant.delivery.evidence import Evidence
from courant.delivery.ledger import Delivery, DeliveryState, Ledger
from courant.delivery.reconcile import AUTO_GIVE_UP, AUTO_GRACE, AUTO_TRIES, GRACE
from courant.editions.model import Edition, EditionState
from courant.newsletter import Policy
from courant.schedule import EditionId, Slot
from desk.stack import Stack
from tests.conftest import HandClock

ID = EditionId.parse("morning/daily/2026-11-22")
STATES = DeliveryState


class Chunked:
    """One chunk of shard ``a`` and its rows."""

    def __init__(self, stack: Stack, clock: HandClock) -> None:
        self.ledger = Ledger(stack.table("ledger"))
        self.evidence = Evidence(stack.table("ledger"))
        self.clock = clock
        self.members = 0

    def row(
        self, state: DeliveryState, *, auto: bool = False, tries: int = 1, heard: str = ""
    ) -> str:
        sid = f"a{self.members:031x}"
        self.members += 1
        if state is STATES.SKIPPED:
            self.ledger.skip(ID, sid, chunk="one", reason="left", now=self.clock.at)
            return sid
        for attempt in range(tries):
            name, now = str(attempt), self.clock.at
            self.ledger.claim(ID, sid, attempt=name, chunk="one", lease=now, now=now, auto=auto)
            last = attempt + 1 == tries
            if not last or state is not STATES.CLAIMED:
                came_to = STATES.RETRY
                if last:
                    came_to = STATES.UNKNOWN if state is STATES.UNRESOLVED else state
                self.ledger.record(ID, sid, name, came_to, now, reason="ReadTimeoutError")
        if state is STATES.UNRESOLVED:
            self.settle_row(sid, STATES.UNRESOLVED)
        if heard:
            self.evidence.note(ID, sid, heard)
        return sid

    def settle_row(self, sid: str, after: DeliveryState) -> None:
        row = self.ledger.get(ID, sid)
        assert row is not None
        assert self.ledger.settle(ID, row, after, self.clock.at, "waited")

    def edition(self) -> Edition:
        now = self.clock.at
        return Edition(
            id=ID,
            state=EditionState.SENDING,
            started_at=now,
            closes_at=now,
            by_hand=False,
            epoch="1",
            moved_at=now,
        )

    def settle(
        self,
        policy: Policy = Policy.STRICT,
        state: EditionState = EditionState.SENDING,
        resend_before: datetime | None = None,
        had: int = 0,
    ) -> reconcile.Found:
        now = self.clock.at
        edition = replace(self.edition(), policy=policy, state=state, resend_before=resend_before)
        chunk = Chunk(
            edition=ID,
            id="one",
            state=ChunkState.SETTLING,
            instant=now,
            pressing=0,
            slot=Slot("daily"),
            range="a",
            cut_at=now,
            cursor="",
            members=self.members,
            counts=Counts(had=had),
            fence=1,
            lease_until=None,
            nudged_at=now,
            epoch="1",
        )
        return reconcile.settle(self.ledger, chunk, edition, now)

    def state(self, sid: str) -> DeliveryState:
        row = self.ledger.get(ID, sid)
        assert row is not None
        return row.state


@pytest.fixture
def chunked(stack: Stack, clock: HandClock) -> Chunked:
    return Chunked(stack, clock)


def test_final_rows_are_counted_and_others_waited_for(chunked: Chunked) -> None:
    for state in (STATES.SENT, STATES.SENT, STATES.FAILED, STATES.SKIPPED, STATES.UNRESOLVED):
        chunked.row(state)
    for state in (STATES.CLAIMED, STATES.UNKNOWN):
        chunked.row(state)
    retried = chunked.row(STATES.RETRY)

    found = chunked.settle()

    assert found.counts == Counts(sent=2, failed=1, skipped=1, unresolved=1)
    assert found.waiting == 2
    assert [row.sid for row in found.again] == [retried]


@pytest.mark.parametrize("state", [STATES.CLAIMED, STATES.UNKNOWN])
def test_strict_what_nobody_told_of_is_unresolved_after_the_grace_and_not_before(
    chunked: Chunked, clock: HandClock, state: DeliveryState
) -> None:
    sid = chunked.row(state)
    clock.at += GRACE
    assert chunked.settle().waiting == 1

    clock.advance(seconds=1)

    assert chunked.settle().counts == Counts(unresolved=1)
    assert chunked.state(sid) is STATES.UNRESOLVED


def test_auto_tries_again_once_the_others_were_heard_of(chunked: Chunked, clock: HandClock) -> None:
    for _ in range(3):
        chunked.row(STATES.SENT, auto=True, heard="Delivery")
    sid = chunked.row(STATES.UNKNOWN, auto=True)
    clock.at += AUTO_GRACE
    assert chunked.settle(Policy.AUTO).waiting == 1

    clock.advance(seconds=1)
    found = chunked.settle(Policy.AUTO)

    assert [row.sid for row in found.again] == [sid]
    assert chunked.state(sid) is STATES.RETRY


@pytest.mark.parametrize("sent", [0, 3])
def test_auto_does_not_trust_a_channel_that_is_silent(
    chunked: Chunked, clock: HandClock, sent: int
) -> None:
    for number in range(sent):
        chunked.row(STATES.SENT, auto=True, heard="Delivery" if number else "")
    sid = chunked.row(STATES.UNKNOWN, auto=True)
    clock.at += AUTO_GIVE_UP
    assert chunked.settle(Policy.AUTO).waiting == 1

    clock.advance(seconds=1)

    assert chunked.settle(Policy.AUTO).counts.unresolved == 1
    assert chunked.state(sid) is STATES.UNRESOLVED


def test_auto_does_not_take_bad_news_for_news_of_every_mail(
    chunked: Chunked, clock: HandClock
) -> None:
    for _ in range(3):
        chunked.row(STATES.SENT, auto=True, heard="Bounce")
    chunked.row(STATES.UNKNOWN, auto=True)
    clock.at += AUTO_GRACE + timedelta(seconds=1)

    assert chunked.settle(Policy.AUTO).waiting == 1


def test_auto_does_not_try_for_ever(chunked: Chunked, clock: HandClock) -> None:
    chunked.row(STATES.SENT, auto=True, heard="Delivery")
    sid = chunked.row(STATES.UNKNOWN, auto=True, tries=AUTO_TRIES)
    clock.at += AUTO_GRACE + timedelta(seconds=1)

    assert chunked.settle(Policy.AUTO).again == []
    assert chunked.state(sid) is STATES.UNRESOLVED


def test_an_editors_word_frees_what_was_unresolved_before_it_and_nothing_later(
    chunked: Chunked, clock: HandClock
) -> None:
    before = chunked.row(STATES.UNRESOLVED)
    clock.advance(minutes=1)
    asked = clock.at
    after = chunked.row(STATES.UNRESOLVED)

    found = chunked.settle(resend_before=asked)

    assert [row.sid for row in found.again] == [before]
    assert found.counts == Counts(unresolved=1)
    assert chunked.state(after) is STATES.UNRESOLVED


def test_rows_that_another_chunk_wrote_are_that_chunks(chunked: Chunked, clock: HandClock) -> None:
    chunked.row(STATES.SENT)
    sid, now = f"a{9:031x}", clock.at
    chunked.ledger.claim(ID, sid, attempt="x", chunk="two", lease=now, now=now)
    chunked.ledger.record(ID, sid, "x", STATES.SENT, now)

    # Whoever had it through the slot they moved from was counted in the walk, and has no row here.
    assert chunked.settle(had=1).counts == Counts(sent=1, had=1)


def test_who_was_heard_of_in_the_meantime_is_not_set_free(
    chunked: Chunked, clock: HandClock
) -> None:
    sid, other = chunked.row(STATES.UNRESOLVED), chunked.row(STATES.UNRESOLVED)
    read = [row for row in chunked.ledger.of_range(ID, "a") if row.sid in {sid, other}]
    chunked.settle_row(sid, STATES.RETRY)  # by another walker

    freed = reconcile.free(chunked.ledger, chunked.edition(), read, clock.at)

    assert [row.sid for row in freed] == [other]


def test_what_is_cancelled_before_its_second_try_is_still_in_doubt(chunked: Chunked) -> None:
    sid = chunked.row(STATES.UNRESOLVED)
    chunked.settle_row(sid, STATES.RETRY)

    found = chunked.settle(state=EditionState.CANCELLED)

    assert found.counts == Counts(unresolved=1)
    assert chunked.state(sid) is STATES.UNRESOLVED


def test_a_cancelled_edition_tries_nothing_again(chunked: Chunked, clock: HandClock) -> None:
    chunked.row(STATES.SENT, auto=True, heard="Delivery")
    retried = chunked.row(STATES.RETRY, auto=True)
    unknown = chunked.row(STATES.UNKNOWN, auto=True)
    unresolved = chunked.row(STATES.UNRESOLVED, auto=True)
    clock.at += AUTO_GRACE + timedelta(seconds=1)

    found = chunked.settle(Policy.AUTO, EditionState.CANCELLED, resend_before=clock.at)

    assert (found.again, found.waiting) == ([], 0)
    assert found.counts == Counts(sent=1, skipped=1, unresolved=2)
    assert chunked.state(retried) is STATES.SKIPPED
    assert chunked.state(unknown) is chunked.state(unresolved) is STATES.UNRESOLVED


def test_word_that_comes_while_it_is_decided_is_waited_for(
    chunked: Chunked, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sid = chunked.row(STATES.UNKNOWN)
    clock.at += GRACE + timedelta(seconds=1)
    settle = chunked.ledger.settle

    def event_first(edition: EditionId, before: Delivery, *args: object) -> bool:
        chunked.evidence.tell(edition, before.sid, STATES.SENT, "Delivery", clock.at)
        return settle(edition, before, *args)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(chunked.ledger, "settle", event_first)
    found = chunked.settle()

    assert found.waiting == 1
    assert chunked.state(sid) is STATES.SENT
