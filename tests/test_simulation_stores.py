"""Our stores over the table in memory and over moto's: the same steps, the same answers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courant.delivery.allowance import Account
from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts
from courant.delivery.evidence import Evidence
from courant.delivery.grants import Grants
from courant.delivery.ledger import DeliveryState, Ledger
from courant.editions.model import Edition, EditionState, PressingRecord, PressingState
from courant.editions.store import EditionStore
from courant.errors import Conflict
from courant.schedule import EditionId, Slot
from tests.simulation.reference import INDEXES, moto_table
from tests.simulation.table import MemoryTable

pytestmark = pytest.mark.exhaustive

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
DAILY = Slot("daily")
RANGES = ("a", "a000-a7ff", "a800-afff")
_fresh = itertools.count()


@pytest.fixture(scope="module", name="moto_table")
def of_moto() -> Iterator[Any]:
    """moto's; each example has an edition of its own."""
    with moto_table() as table:
        yield table


def edition_id() -> EditionId:
    """One that no other example has."""
    return EditionId(f"n{next(_fresh)}", "daily", NOW.date())


def at(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


def came_to(step: Callable[[], Any]) -> Any:
    """The answer of a step, or which error it raised."""
    try:
        answer = step()
    except (Conflict, ValueError, RuntimeError, AssertionError) as error:
        return type(error).__name__
    return answer


MINUTES = st.integers(0, 9)
REASONS = st.sampled_from([None, "why", "too late"])


# ── digests ──────────────────────────────────────────────────────────────────────────────────────

SIDS = st.sampled_from(["a" + "1" * 31, "a" + "9" * 31])
ATTEMPTS, CHUNKS = st.sampled_from(["one", "two"]), st.sampled_from(["c0", "c1"])
STATES, EVENTS = st.sampled_from(list(DeliveryState)), st.sampled_from(["Delivery", "Bounce"])
DIGESTS = st.lists(
    st.one_of(
        *(st.tuples(st.just("claim"), st.tuples(SIDS, ATTEMPTS, CHUNKS)) for _ in range(2)),
        *(st.tuples(st.just("record"), st.tuples(SIDS, ATTEMPTS, STATES, REASONS)),),
        st.tuples(st.just("skip"), st.tuples(SIDS, CHUNKS)),
        st.tuples(st.just("settle"), st.tuples(SIDS, STATES)),
        st.tuples(st.just("evidence"), st.tuples(SIDS, STATES, EVENTS, ATTEMPTS, REASONS)),
        st.tuples(st.just("note"), st.tuples(SIDS, EVENTS, st.booleans(), ATTEMPTS)),
        st.tuples(st.just("range"), st.tuples(st.sampled_from(RANGES))),
        st.tuples(st.just("exceptions"), st.tuples(st.sampled_from(RANGES))),
        st.tuples(st.just("once"), st.tuples(ATTEMPTS)),
    ),
    min_size=3,
    max_size=14,
)


def of_ledger(
    table: Any, edition: EditionId, steps: list[tuple[str, tuple[Any, ...]]]
) -> Iterator[Any]:
    """What each step comes to."""
    ledger, evidence, chunks = Ledger(table), Evidence(table), ChunkStore(table)
    for name in ("c0", "c1"):
        chunks.create(replace(a_chunk(edition), id=name))
    for minute, (name, given_) in enumerate(steps):
        now = at(minute)
        match name, given_:
            case "claim", (sid, attempt, chunk):
                claimed = ledger.claim(
                    edition, sid, attempt=attempt, chunk=chunk, lease=at(minute + 3), now=now
                )
                yield claimed
            case "record", (sid, attempt, state, reason):
                yield ledger.record(
                    edition, sid, attempt, state, now, reason=reason, message_id="m"
                )
            case "skip", (sid, chunk):
                yield ledger.skip(edition, sid, chunk=chunk, reason="left", now=now)
            case "settle", (sid, after):
                before = ledger.get(edition, sid)
                yield before
                # Who was skipped has no attempt, and is never settled. (To moto an attribute that
                # is missing equals NULL; to DynamoDB it equals nothing.)
                if before is not None and before.attempt is not None:
                    yield ledger.settle(edition, before, after, now, "nobody knows")
            case "evidence", (sid, state, event, attempt, reason):
                yield came_to(
                    partial(
                        evidence.tell,
                        edition,
                        sid,
                        state,
                        event,
                        now,
                        attempt=attempt,
                        reason=reason,
                    )
                )  # fmt: skip
            case "note", (sid, event, over, attempt):
                yield evidence.note(
                    edition, sid, event, over=("Delivery",) if over else (), attempt=attempt
                )
            case "range", (range_,):
                yield list(ledger.of_range(edition, range_))
            case "exceptions", (range_,):
                yield list(ledger.exceptions(edition, range_))
            case "once", (key,):
                yield ledger.once(f"{edition}{key}", "told", now)
    yield list(ledger.of_range(edition, "a"))
    yield chunks.of_edition(edition)


@settings(max_examples=25, deadline=None)
@given(DIGESTS)
def test_the_ledger_answers_alike(
    moto_table: Any, steps: list[tuple[str, tuple[Any, ...]]]
) -> None:
    edition = edition_id()

    ours = list(of_ledger(MemoryTable(indexes=INDEXES), edition, steps))

    assert ours == list(of_ledger(moto_table, edition, steps))


# ── chunks ───────────────────────────────────────────────────────────────────────────────────────


def a_chunk(edition: EditionId) -> Chunk:
    return Chunk(
        edition=edition,
        id="c0",
        state=ChunkState.OPEN,
        instant=NOW,
        pressing=0,
        slot=DAILY,
        range="a",
        cut_at=NOW,
        cursor="",
        members=3,
        counts=Counts(),
        fence=0,
        lease_until=None,
        nudged_at=NOW,
        epoch="1",
        starts_by=at(40),
    )


COUNTS = st.builds(Counts, sent=st.integers(0, 3), unresolved=st.integers(0, 1))
# The number says which of the chunks that were seen: an old one is a lease that was lost.
SEEN = st.integers(0, 5)
WALKS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.tuples(CHUNKS, st.booleans())),
        *(st.tuples(st.just("take"), st.tuples(CHUNKS, MINUTES)) for _ in range(3)),
        st.tuples(st.just("advance"), st.tuples(SEEN, ATTEMPTS, COUNTS)),
        st.tuples(st.just("release"), st.tuples(SEEN, st.sampled_from(ChunkState), COUNTS)),
        st.tuples(st.just("leave"), st.tuples(SEEN, st.booleans())),
        st.tuples(st.just("halt"), st.tuples(SEEN)),
        st.tuples(st.just("reopen"), st.tuples(SEEN, MINUTES)),
        st.tuples(st.just("nudged"), st.tuples(SEEN)),
        st.tuples(st.just("agree"), st.tuples(st.integers(1, 3), MINUTES)),
        st.tuples(st.just("look"), st.just(())),
    ),
    min_size=3,
    max_size=14,
)


def of_chunks(
    table: Any, edition: EditionId, steps: list[tuple[str, tuple[Any, ...]]]
) -> Iterator[Any]:
    """What each step comes to; the chunks it saw may be used by later ones."""
    store = ChunkStore(table)
    seen = [a_chunk(edition)]
    store.create(seen[0])
    for minute, (name, given_) in enumerate(steps):
        now = at(minute)
        found: Any = None
        match name, given_:
            case "create", (which, hurried):
                starts_by = at(1) if hurried else None
                store.create(replace(a_chunk(edition), id=which, starts_by=starts_by))
            case "take", (which, minutes):
                found = store.take(edition, which, at(minute + minutes), now)
            case "advance", (number, cursor, counts):
                found = store.advance(seen[number % len(seen)], cursor, counts, now)
            case "release", (number, state, counts):
                found = store.release(seen[number % len(seen)], state, counts, "because")
            case "leave", (number, stuck):
                found = store.leave(seen[number % len(seen)], "deadline", now, stuck=stuck)
            case "halt", (number,):
                found = store.halt(seen[number % len(seen)], "quota", now)
            case "reopen", (number, minutes):
                found = store.reopen(seen[number % len(seen)], at(minutes))
            case "nudged", (number,):
                found = store.nudged(seen[number % len(seen)], now)
            case "agree", (parts, minutes):
                found = store.agree(edition, at(minutes), parts, now)
            case "look", ():
                found = store.of_edition(edition)
                seen += found
        if isinstance(found, Chunk):
            seen.append(found)
        yield found
    yield store.of_edition(edition)


@settings(max_examples=25, deadline=None)
@given(WALKS)
def test_chunks_answer_alike(moto_table: Any, steps: list[tuple[str, tuple[Any, ...]]]) -> None:
    edition = edition_id()

    ours = list(of_chunks(MemoryTable(indexes=INDEXES), edition, steps))

    assert ours == list(of_chunks(moto_table, edition, steps))


# ── the pace ─────────────────────────────────────────────────────────────────────────────────────

PACES = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, 40)),
        st.tuples(st.just("take"), st.integers(1, 40)),
        st.tuples(st.just("look"), st.sampled_from([None, 0, 5, 1000])),
        st.tuples(st.just("slower"), st.just(0)),
        st.tuples(st.just("current"), st.just(0)),
    ),
    min_size=2,
    max_size=12,
)


def of_grants(table: Any, steps: list[tuple[str, Any]]) -> Iterator[Any]:
    """What each step comes to; two workers take turns, each with what it saw last."""
    workers = [Grants(table), Grants(table)]
    for number, (name, given_) in enumerate(steps):
        grants, now = workers[number % 2], NOW + timedelta(milliseconds=700 * number)
        match name:
            case "take":
                yield grants.take(given_, now)
            case "look":
                account = Account(
                    max_rate=14.0,
                    daily_quota=given_,
                    sent_24h=0,
                    sending=True,
                    production=True,
                    enforcement="HEALTHY",
                )
                yield grants.look(account, now)
            case "slower":
                grants.slow_down(now)
                yield None
            case _:
                yield grants.current()


@settings(max_examples=25, deadline=None)
@given(PACES)
def test_the_pace_is_the_same(moto_table: Any, steps: list[tuple[str, Any]]) -> None:
    moto_table.delete_item(Key={"PK": "G#SES", "SK": "PACE"})

    ours = list(of_grants(MemoryTable(), steps))

    assert ours == list(of_grants(moto_table, steps))


# ── editions ─────────────────────────────────────────────────────────────────────────────────────

EDITION_STATES = st.sampled_from(list(EditionState))
MARKS = st.fixed_dictionaries(
    {},
    optional={
        "attended": st.booleans(),
        "spread": st.booleans(),
        "braked": st.booleans(),
        "resend_before": st.just(NOW),
        "reason": REASONS,
    },
)
EDITIONS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.tuples(EDITION_STATES)),
        st.tuples(st.just("restart"), st.tuples(EDITION_STATES)),
        st.tuples(st.just("move"), st.tuples(EDITION_STATES, EDITION_STATES, MARKS)),
        # As it stands, so that it gets on.
        *(st.tuples(st.just("go on"), st.tuples(st.integers(0, 9), MARKS)) for _ in range(4)),
        st.tuples(st.just("rest"), st.just(())),
        st.tuples(st.just("add"), st.tuples(MINUTES)),
        st.tuples(st.just("press"), st.tuples(SEEN, st.sampled_from(list(PressingState)), MINUTES)),
        st.tuples(st.just("touch"), st.tuples(SEEN)),
    ),
    min_size=3,
    max_size=14,
)


def of_editions(
    table: Any, edition: EditionId, steps: list[tuple[str, tuple[Any, ...]]]
) -> Iterator[Any]:
    """What each step comes to, and how all stands after it."""
    store = EditionStore(table)
    fresh = Edition(
        id=edition,
        state=EditionState.SCHEDULED,
        started_at=NOW,
        closes_at=at(5),
        by_hand=False,
        epoch="1",
        moved_at=NOW,
    )
    yield store.create(fresh)
    seen = [
        PressingRecord(
            edition=edition,
            instant=NOW,
            slots=(DAILY,),
            state=PressingState.WAITING,
            touched_at=NOW,
        )
    ]
    for minute, (name, given_) in enumerate(steps):
        now = at(minute)
        stands = store.get(edition)
        assert stands is not None
        match name, given_:
            case "create", (state,):
                yield store.create(replace(fresh, state=state, moved_at=now))
            case "restart", (before,):
                yield store.restart(replace(fresh, moved_at=now), before, by="editor:ada")
            case "move", (before, after, marks):
                yield came_to(
                    partial(store.move, edition, before, after, by="heartbeat", now=now, **marks)
                )
            case "go on", (number, marks):
                after = list(EditionState)[number]
                yield came_to(
                    partial(
                        store.move, edition, stands.state, after, by="compose", now=now, **marks
                    )
                )
            case "rest", ():
                yield store.rest(edition)
            case "add", (minutes,):
                seen.append(replace(seen[0], instant=at(minutes), touched_at=now))
                yield store.add_pressing(seen[-1])
            case "press", (number, after, members):
                record = seen[number % len(seen)]
                yield store.move_pressing(record, after, now, members=members, reason="so")
                seen += store.pressings(edition)
            case "touch", (number,):
                yield store.touch_pressing(seen[number % len(seen)], now)
        yield store.get(edition), store.audit(edition), store.pressings(edition)
        yield [one for one in store.open() if one.id == edition]
        yield store.of_newsletter(edition.newsletter)


@settings(max_examples=25, deadline=None)
@given(EDITIONS)
def test_editions_answer_alike(moto_table: Any, steps: list[tuple[str, tuple[Any, ...]]]) -> None:
    edition = edition_id()

    ours = list(of_editions(MemoryTable(indexes=INDEXES), edition, steps))

    assert ours == list(of_editions(moto_table, edition, steps))
