"""Turns of one worker, and of many on one simulated clock: as fast as the account, never faster."""

from __future__ import annotations

import heapq
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from courant.delivery.allowance import Account
from courant.delivery.grants import Grants
from courant.delivery.pace import Grant, Spent, Turn, Wait, limit
from courant.delivery.throttle import Throttle
from tests.conftest import HandClock

SECOND = timedelta(seconds=1)
START = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


class OneRow:
    """A table of one row, with all that Grants asks of one. ``slow`` is called around a write."""

    def __init__(self, slow: Callable[[], None] = lambda: None) -> None:
        self.item: dict[str, Any] | None = None
        self._slow = slow

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {} if self.item is None else {"Item": self.item}

    def put_item(self, *, Item: dict[str, Any], **asked: Any) -> None:  # noqa: N803 - AWS's name
        self._slow()
        seen = asked.get("ExpressionAttributeValues", {}).get(":seen")
        if seen != (None if self.item is None else self.item["v"]):
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        self.item = Item
        self._slow()


def account(max_rate: float, quota: int | None = None) -> Account:
    return Account(
        max_rate=max_rate,
        daily_quota=quota,
        sent_24h=0,
        sending=True,
        production=True,
        enforcement="HEALTHY",
    )


def grants_on(row: OneRow) -> Grants:
    return Grants(row)  # type: ignore[arg-type]  # has all that is called


class Worker:
    """One throttle by hand: its sleeps move the clock, and are noted."""

    def __init__(self, clock: HandClock, max_rate: float = 200.0, quota: int | None = None) -> None:
        self.row = OneRow()
        self.clock = clock
        self.sleeps: list[float] = []
        grants_on(self.row).look(account(max_rate, quota), clock.at)
        self.throttle = Throttle(grants_on(self.row), clock, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.clock.advance(seconds=seconds)

    def acquire(self, seconds: float = 3600) -> Turn:
        return self.throttle.acquire(self.clock.at + timedelta(seconds=seconds))


# ── one worker ───────────────────────────────────────────────────────────────────────────────────


def test_the_first_goes_at_once_and_the_others_in_the_accounts_rhythm(clock: HandClock) -> None:
    worker = Worker(clock, max_rate=10.0)

    turns = [worker.acquire() for _ in range(4)]

    assert turns == [Turn.GO] * 4
    assert worker.sleeps == [0.125, 0.125, 0.125]


def test_an_account_slower_than_one_a_second_works(clock: HandClock) -> None:
    worker = Worker(clock, max_rate=1.0)

    assert [worker.acquire() for _ in range(4)] == [Turn.GO] * 4
    assert clock.at == datetime(2026, 11, 22, 6, 0, 3, 750_000, tzinfo=UTC)


def test_a_turn_after_the_last_useful_instant_is_not_waited_for(clock: HandClock) -> None:
    worker = Worker(clock, max_rate=10.0)
    worker.acquire()

    assert worker.acquire(0.124) is Turn.TOO_LATE
    assert worker.sleeps == []
    assert worker.acquire(0.125) is Turn.GO  # who can wait gets it: it was not lost


def test_when_it_is_too_late_already_nothing_is_taken(clock: HandClock) -> None:
    worker = Worker(clock)
    before = worker.row.item

    assert worker.acquire(-1) is Turn.TOO_LATE
    assert worker.row.item == before


def test_a_schedule_that_others_filled_is_not_waited_for_in_vain(clock: HandClock) -> None:
    worker = Worker(clock, max_rate=1.0)
    other = grants_on(worker.row)
    for _ in range(2):
        other.take(1, clock.at)  # until 2.5 s from now: it may be asked for in half a second

    assert worker.acquire(0.4) is Turn.TOO_LATE
    assert worker.sleeps == []
    assert worker.acquire(3) is Turn.GO
    assert worker.sleeps == [0.5, 2.0]


def test_without_quota_there_is_no_turn(clock: HandClock) -> None:
    worker = Worker(clock, quota=3)  # of which 2 may go to editions

    assert [worker.acquire() for _ in range(3)] == [Turn.GO, Turn.GO, Turn.NO_QUOTA]


def test_what_was_missed_is_not_made_up_for(clock: HandClock) -> None:
    worker = Worker(clock)
    for _ in range(60):
        worker.acquire()  # has instants in hand now
    clock.advance(seconds=10)
    worker.sleeps.clear()

    turns = [worker.acquire() for _ in range(30)]

    assert turns == [Turn.GO] * 30
    assert sum(worker.sleeps) == pytest.approx(29 / 160, abs=1e-4)  # the first goes at once


def test_a_turn_slept_through_is_lost(clock: HandClock) -> None:
    worker = Worker(clock, max_rate=10.0)
    starved = iter([0.5])
    worker.throttle._sleep = lambda seconds: clock.advance(seconds=seconds + next(starved, 0.0))
    worker.acquire()

    assert worker.acquire() is Turn.GO
    # At 0.125 it was to be woken, at 0.625 it was: the next free instant then.
    assert clock.at == datetime(2026, 11, 22, 6, 0, 0, 625_000, tzinfo=UTC)
    worker.acquire()
    assert clock.at == datetime(2026, 11, 22, 6, 0, 0, 750_000, tzinfo=UTC)


def test_who_wakes_after_the_last_useful_instant_does_not_send(clock: HandClock) -> None:
    worker = Worker(clock, max_rate=10.0)
    worker.throttle._sleep = lambda seconds: clock.advance(seconds=seconds + 0.2)
    worker.acquire()

    assert worker.acquire(0.3) is Turn.TOO_LATE


def test_a_clock_that_stands_still_is_no_endless_loop(clock: HandClock) -> None:
    worker = Worker(clock, max_rate=1.0)
    worker.throttle._sleep = lambda _: None

    assert [worker.acquire(60) for _ in range(20)] == [Turn.GO] * 20
    assert worker.acquire(20) is Turn.TOO_LATE  # the twenty-first is due in 25 s


def test_a_429_gives_back_what_was_taken_at_the_old_pace(clock: HandClock) -> None:
    worker = Worker(clock)
    for _ in range(31):
        worker.acquire()  # 1 + 2 + 4 + 8 + 16
    worker.acquire()  # the first of 32
    free = datetime.fromisoformat((worker.row.item or {})["next"])

    worker.throttle.slower()

    turns = []
    for _ in range(3):
        worker.acquire()
        turns.append(clock.at)
    assert turns[0] == free
    # 112 a second, and what came back in the fifth of a second since.
    gaps = {b - a for a, b in pairwise(turns)}
    assert timedelta(milliseconds=8.5) < min(gaps) <= max(gaps) < timedelta(milliseconds=9)


def grants_of(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many instants each grant has, as the worker takes them."""
    sizes: list[int] = []
    take = worker.throttle._grants.take

    def noted(wanted: int, now: datetime) -> Grant | Wait | Spent:
        answer = take(wanted, now)
        if isinstance(answer, Grant):
            sizes.append(len(answer.instants))
        return answer

    monkeypatch.setattr(worker.throttle._grants, "take", noted)
    return sizes


def test_a_worker_takes_more_as_long_as_it_can_use_it(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(clock)
    sizes = grants_of(worker, monkeypatch)

    for _ in range(200):
        worker.acquire()

    assert sizes == [1, 2, 4, 8, 16, 32, 40, 40, 40, 40]


def test_a_worker_too_slow_for_a_whole_grant_takes_less(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(clock)
    sizes = grants_of(worker, monkeypatch)

    for _ in range(200):
        worker.acquire()
        clock.advance(seconds=0.06)  # one lane: 16 mails a second, where 160 are allowed

    # In the quarter of a second that it has for them it sends five.
    assert max(sizes) == 8
    assert max(sizes[10:]) <= 6
    assert sum(sizes) <= 1.15 * 200


def test_lanes_get_every_instant_once() -> None:
    """Real threads: sixteen of them on one throttle, by a clock that stands still."""
    row = OneRow()
    grants_on(row).look(account(200.0), START)
    throttle = Throttle(grants_on(row), lambda: START, lambda _: None)
    turns: list[Turn] = []

    def lane() -> None:
        while True:
            turn = throttle.acquire(START + SECOND)
            turns.append(turn)
            if turn is not Turn.GO:
                return

    lanes = [threading.Thread(target=lane) for _ in range(16)]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()

    assert turns.count(Turn.GO) == 161  # both ends of the second
    assert turns.count(Turn.TOO_LATE) == 16


# ── many workers ─────────────────────────────────────────────────────────────────────────────────


class Simulation:
    """Threads that take turns by a clock of their own: one runs at a time, and ``sleep`` passes on.

    Nothing hangs on the machine: who sleeps shorter, and then who slept first, is woken first.
    """

    def __init__(self) -> None:
        self.at = START
        self._sleepers: list[tuple[datetime, int, threading.Semaphore]] = []
        self._turn = threading.Semaphore(0)
        self._count = 0

    def __call__(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let others run until so much has passed."""
        mine = threading.Semaphore(0)
        self._count += 1
        wakes = self.at + timedelta(seconds=max(seconds, 0))
        heapq.heappush(self._sleepers, (wakes, self._count, mine))
        self._turn.release()
        mine.acquire()

    def run(self, *works: Callable[[], None]) -> None:
        """Run all to their end."""
        failures: list[BaseException] = []

        def begin(work: Callable[[], None]) -> None:
            try:
                self.sleep(0)
                work()
            except BaseException as error:  # noqa: BLE001 - it is raised again, where it is seen
                failures.append(error)
            finally:
                self._turn.release()

        threads = [threading.Thread(target=begin, args=[work], daemon=True) for work in works]
        for thread in threads:
            thread.start()
            self._turn.acquire()
        while self._sleepers:
            self.at, _, sleeper = heapq.heappop(self._sleepers)
            sleeper.release()
            self._turn.acquire()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]


def simulated(
    max_rate: float,
    workers: int,
    lanes: int,
    *,
    seconds: float = 4,
    latency: Iterator[float] | None = None,
    oversleeps: Iterator[float] | None = None,
    throttled: Iterator[bool] | None = None,
    table_latency: float = 0.0,
) -> tuple[list[datetime], OneRow]:
    """When mails went out, of workers that all send as fast as they are let."""
    simulation = Simulation()
    late, slow, no = (
        oversleeps or cycle([0.0]),
        latency or cycle([0.06]),
        throttled or cycle([False]),
    )
    # A lane that sleeps while its worker's lock is held would stop the simulation.
    assert not (table_latency and lanes > 1)
    row = OneRow((lambda: simulation.sleep(table_latency)) if table_latency else lambda: None)
    went: list[datetime] = []
    latest = START + timedelta(seconds=seconds)

    def worker() -> list[Callable[[], None]]:
        throttle = Throttle(
            grants_on(row), simulation, lambda seconds: simulation.sleep(seconds + next(late))
        )

        def lane() -> None:
            while (turn := throttle.acquire(latest)) is Turn.GO:
                assert simulation.at <= latest
                went.append(simulation.at)
                simulation.sleep(next(slow))
                if next(no):
                    throttle.slower()
            assert turn is Turn.TOO_LATE

        return [lane] * lanes

    def looks() -> None:
        grants_on(row).look(account(max_rate), simulation.at)

    simulation.run(looks)
    simulation.run(*(lane for _ in range(workers) for lane in worker()))
    return went, row


def most_in_a_second(went: list[datetime]) -> int:
    """The most mails in any half-open second."""
    went = sorted(went)
    return max(bisect_left(went, start + SECOND) - first for first, start in enumerate(went))


@pytest.mark.parametrize(
    ("max_rate", "workers", "lanes"),
    [(1.0, 1, 16), (1.0, 5, 1), (14.0, 1, 16), (14.0, 4, 4), (200.0, 1, 16), (200.0, 6, 8)],
)
def test_together_they_are_as_fast_as_the_account_lets(
    max_rate: float, workers: int, lanes: int
) -> None:
    went, row = simulated(max_rate, workers, lanes, seconds=6)

    assert len(went) >= 0.95 * 6 * limit(max_rate)
    assert most_in_a_second(went) <= max_rate + 1
    assert row.item is not None
    # A grant is at least half of what it may be, or one mail.
    assert row.item["v"] <= max(len(went), 8 * 6) + 8 * workers


def test_one_worker_too_slow_for_the_account_is_as_fast_as_it_can_be() -> None:
    went, _ = simulated(2000.0, 1, 8, seconds=6)  # 8 lanes of 60 ms: 133 a second

    assert len(went) >= 0.9 * 6 * 133


@given(
    max_rate=st.sampled_from([1.0, 5.0, 14.0, 50.0]),
    workers=st.integers(1, 4),
    lanes=st.integers(1, 3),
    latency=st.lists(st.sampled_from([0.0, 0.02, 0.06, 0.3, 1.5]), min_size=1, max_size=20),
    oversleeps=st.lists(st.sampled_from([0.0, 0.001, 0.2, 0.26, 1.0]), min_size=1, max_size=20),
    throttled=st.lists(st.booleans(), min_size=1, max_size=20),
)
@hypothesis_settings(max_examples=40)
def test_in_no_second_do_they_send_more_than_ses_allows(
    max_rate: float,
    workers: int,
    lanes: int,
    latency: list[float],
    oversleeps: list[float],
    throttled: list[bool],
) -> None:
    """However lanes stall, wake late and are slowed down.

    Turns are good for a quarter of a second, so a second sees the limit and a quarter at most:
    that is SES's maximum. And one, for the one at the second's start.
    """
    went, _ = simulated(
        max_rate,
        workers,
        lanes,
        latency=cycle(latency),
        oversleeps=cycle(oversleeps),
        throttled=cycle(throttled),
    )

    assert most_in_a_second(went) <= max_rate + 1


@given(
    max_rate=st.sampled_from([14.0, 200.0]),
    workers=st.integers(2, 6),
    table_latency=st.sampled_from([0.001, 0.005, 0.03, 0.15]),
    latency=st.lists(st.sampled_from([0.0, 0.02, 0.06, 0.3]), min_size=1, max_size=20),
)
@hypothesis_settings(max_examples=25)
def test_races_for_the_row_give_no_turn_twice(
    max_rate: float, workers: int, table_latency: float, latency: list[float]
) -> None:
    went, row = simulated(
        max_rate, workers, 1, latency=cycle(latency), table_latency=table_latency, seconds=3
    )

    assert row.item is not None
    assert went
    assert most_in_a_second(went) <= max_rate + 1
