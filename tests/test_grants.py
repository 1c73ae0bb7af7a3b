"""The shared pace in the ledger table: races, lost answers, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.delivery import grants as talking
from courant.delivery.allowance import Account
from courant.delivery.grants import Grants
from courant.delivery.pace import Grant, Pace, Spent, Wait
from desk.stack import Stack
from desk.stack.calls import Call
from tests.conftest import HandClock

# 160 mails a second for editions.
ACCOUNT = Account(
    max_rate=200.0,
    daily_quota=None,
    sent_24h=0,
    sending=True,
    production=True,
    enforcement="HEALTHY",
)


@pytest.fixture
def table(stack: Stack) -> Any:
    return stack.table("ledger")


@pytest.fixture
def operations(stack: Stack) -> Iterator[list[str]]:
    """DynamoDB's operations, as they are called."""
    seen: list[str] = []
    stack.calls.before = lambda call: seen.append(call.operation)
    with stack.calls.of("deliver"):
        yield seen


def taken(answer: Grant | Wait | Spent) -> tuple[datetime, ...]:
    assert isinstance(answer, Grant)
    return answer.instants


def test_before_anybody_looked_mails_go_at_a_sandboxs_pace(table: Any, clock: HandClock) -> None:
    grants = Grants(table)
    assert grants.current() is None

    first, second = taken(grants.take(16, clock.at)), taken(grants.take(16, clock.at))

    assert first == (clock.at,)
    assert second == (clock.at + timedelta(seconds=1.25),)


def test_a_look_is_what_others_go_by(table: Any, clock: HandClock) -> None:
    pace = Grants(table).look(ACCOUNT, clock.at)

    assert Grants(table).current() == pace
    assert len(taken(Grants(table).take(1000, clock.at))) == 40


def test_workers_that_know_nothing_of_each_other_share_one_schedule(
    table: Any, clock: HandClock
) -> None:
    Grants(table).look(ACCOUNT, clock.at)
    workers = [Grants(table) for _ in range(4)]

    instants = [
        instant
        for _ in range(2)
        for worker in workers
        for instant in taken(worker.take(1000, clock.at))
    ]

    assert instants == [clock.at + timedelta(microseconds=6250 * n) for n in range(320)]


def test_who_asks_too_early_is_told_when_without_a_call(
    table: Any, clock: HandClock, operations: list[str]
) -> None:
    grants = Grants(table)
    for _ in range(2):
        grants.take(1, clock.at)
    operations.clear()

    assert grants.take(1, clock.at) == Wait(clock.at + timedelta(seconds=0.5))
    assert operations == []


def test_a_grant_costs_one_write(table: Any, clock: HandClock, operations: list[str]) -> None:
    grants = Grants(table)
    grants.take(1, clock.at)
    assert operations == ["GetItem", "PutItem"]

    grants.take(1, clock.at)

    assert operations == ["GetItem", "PutItem", "PutItem"]


def test_who_loses_a_race_takes_what_comes_after_without_reading(
    stack: Stack, table: Any, clock: HandClock
) -> None:
    Grants(table).look(ACCOUNT, clock.at)
    slow, fast = Grants(table), Grants(table)
    won: list[datetime] = []
    operations: list[str] = []

    def overtake(call: Call) -> None:
        operations.append(call.operation)
        if call.operation == "PutItem" and not won:
            won.append(clock.at)  # only once
            won[:] = taken(fast.take(40, clock.at))

    stack.calls.before = overtake
    with stack.calls.of("deliver"):
        instants = taken(slow.take(40, clock.at))

    assert instants[0] == won[-1] + timedelta(microseconds=6250)
    # slow reads, is overtaken (fast reads and writes), is refused, and writes again.
    assert operations == ["GetItem", "PutItem", "GetItem", "PutItem", "PutItem"]


def test_the_first_row_is_raced_for_too(stack: Stack, table: Any, clock: HandClock) -> None:
    slow, fast = Grants(table), Grants(table)
    won: list[datetime] = []

    def overtake(call: Call) -> None:
        if call.operation == "PutItem" and not won:
            won.append(clock.at)
            won[:] = taken(fast.take(1, clock.at))

    stack.calls.before = overtake
    with stack.calls.of("deliver"):
        instants = taken(slow.take(1, clock.at))

    assert won == [clock.at]
    assert instants == (clock.at + timedelta(seconds=1.25),)


class Mute:
    """A table whose refusals do not tell what the row was."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def get_item(self, **asked: Any) -> Any:
        return self._table.get_item(**asked)

    def put_item(self, **asked: Any) -> Any:
        del asked["ReturnValuesOnConditionCheckFailure"]
        return self._table.put_item(**asked)


def test_a_refusal_that_tells_nothing_is_followed_by_a_read(table: Any, clock: HandClock) -> None:
    worker, other = Grants(Mute(table)), Grants(table)  # type: ignore[arg-type]  # has all that is called
    worker.look(ACCOUNT, clock.at)
    [before] = taken(other.take(1, clock.at))

    [after] = taken(worker.take(1, clock.at))

    assert after == before + timedelta(microseconds=6250)


class Retried(Mute):
    """A table that loses the answer to its first write, which boto3 then makes again."""

    lost = False

    def put_item(self, **asked: Any) -> Any:
        if not self.lost:
            self.lost = True
            self._table.put_item(**asked)
        return self._table.put_item(**asked)


def test_a_lost_answer_wastes_instants_and_gives_none_twice(table: Any, clock: HandClock) -> None:
    Grants(table).look(ACCOUNT, clock.at)

    mine = taken(Grants(Retried(table)).take(4, clock.at))  # type: ignore[arg-type]  # has all that is called
    others = taken(Grants(table).take(4, clock.at))

    assert mine[0] == clock.at + timedelta(microseconds=4 * 6250)
    assert not set(mine) & set(others)


class Refusing(Mute):
    """A table that refuses every write."""

    def put_item(self, **asked: Any) -> Any:
        return self._table.put_item(
            **{**asked, "ConditionExpression": "v = :no", "ExpressionAttributeValues": {":no": -1}}
        )


def test_a_table_that_refuses_without_end_is_an_error(
    table: Any, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "_RACES", 5)

    with pytest.raises(RuntimeError, match="refuses every write"):
        Grants(Refusing(table)).take(1, clock.at)  # type: ignore[arg-type]  # has all that is called


def test_a_slowdown_is_every_workers(table: Any, clock: HandClock) -> None:
    first, second = Grants(table), Grants(table)
    first.look(ACCOUNT, clock.at)
    second.take(1, clock.at)

    first.slow_down(clock.at)

    a, b = taken(second.take(2, clock.at))
    assert b - a == timedelta(microseconds=8929)  # 112 a second


def test_the_429s_of_one_second_are_one_write(
    table: Any, clock: HandClock, operations: list[str]
) -> None:
    grants = Grants(table)
    grants.look(ACCOUNT, clock.at)
    operations.clear()

    for _ in range(16):
        grants.slow_down(clock.at)

    assert operations == ["PutItem"]


def test_a_slowdown_before_anybody_looked_is_kept(table: Any, clock: HandClock) -> None:
    Grants(table).slow_down(clock.at)

    pace = Grants(table).current()
    assert pace is not None
    assert pace.rate == 0.56


def test_a_budget_that_is_spent_is_read_anew(table: Any, clock: HandClock) -> None:
    day = replace(ACCOUNT, daily_quota=200, sent_24h=193)
    worker, heartbeat = Grants(table), Grants(table)
    heartbeat.look(day, clock.at)
    assert len(taken(worker.take(40, clock.at))) == 2
    assert worker.take(40, clock.at) == Spent()

    clock.advance(minutes=1)
    heartbeat.look(replace(day, sent_24h=100), clock.at)

    assert len(taken(worker.take(40, clock.at))) == 40


INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants bounds without a zone


@given(
    st.builds(
        Pace,
        limit=st.integers(1, 10**7).map(lambda milli: milli / 1000),
        rate=st.integers(1, 10**7).map(lambda milli: milli / 1000),
        rate_at=INSTANTS,
        next=INSTANTS,
        budget=st.none() | st.integers(0, 10**7),
        looked_at=st.none() | INSTANTS,
    ),
    st.integers(1, 10**9),
)
def test_what_is_read_is_what_was_written(pace: Pace, version: int) -> None:
    assert talking._row(talking._item(pace, version)) == (version, pace)
