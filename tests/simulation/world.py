"""Time, invocations and faults: what the real code runs in, all of it decided by a seed.

Every invocation is a greenlet. At each call over the seam (a table, a queue, SES) it gives way, and
goes on when its answer is due; whoever is due first runs. A call may fail before or after it was
done, be made twice (as an SDK does whose answer was lost), take long, or be the last thing that the
invocation does.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from types import TracebackType
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]  # it ships no types

from tests.simulation.table import error

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MILLI, SECOND, MINUTE, HOUR = 1_000, 1_000_000, 60_000_000, 3_600_000_000
_URL = "https://aws.example.org"
# Answers take 1 to 12 ms, now and then 80; drawn beforehand, as most calls take one.
_LATENCIES = [Random(1).choice((1, 2, 3, 5, 8, 12, 80)) * MILLI + n % 97 for n in range(1024)]


class Killed(BaseException):
    """The sandbox died in the middle. No code of ours may catch it."""


class Invocation:
    """One run of a function: until when it may, and by how much its clock is wrong (µs)."""

    __slots__ = ("dead", "deadline", "epoch", "function", "id", "skew", "slowed")

    def __init__(self, function: str, id_: int, deadline: int, skew: int, epoch: str) -> None:
        self.function = function
        self.id = id_
        self.deadline = deadline
        self.skew = skew
        self.epoch = epoch
        self.dead = False
        # How long faults alone have held it up (µs).
        self.slowed = 0

    def __str__(self) -> str:
        return f"{self.function}#{self.id}"


class World:
    """One seed's time and faults.

    ``plan`` says which calls go wrong: (scope, how many calls of this scope were made) → fault.
    ``storm`` is the chance of any call to go wrong until ``storm_until``. The scope of a call is
    ``ses``, or the name of the function that makes it.
    """

    def __init__(self, seed: int, *, trace: bool = False) -> None:
        self.random = Random(seed)
        self.now = 0
        self.current: Invocation | None = None
        self.plan: dict[tuple[str, int], str] = {}
        self.storm, self.storm_until = 0.0, 0
        self.most_skew = 0
        self.epoch = "1"
        self.faults: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()
        self.last_fault = 0
        self.trace: list[str] | None = [] if trace else None
        self._heap: list[tuple[int, int, Any, Invocation | None]] = []
        self._ties = 0
        self._invocations = 0
        self._latency = self.random.randrange(1024)
        self._hub = getcurrent()

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def clock(self) -> datetime:
        """The time as the running invocation's machine has it."""
        me = self.current
        return START + timedelta(microseconds=self.now + (me.skew if me else 0))

    def at(self, when: int, work: Callable[[], object]) -> None:
        """Have something happen at an instant (µs from the start)."""
        self._ties += 1
        heapq.heappush(self._heap, (when, self._ties, work, None))

    def after(self, how_long: int, work: Callable[[], object]) -> None:
        """Have something happen in so many µs."""
        self.at(self.now + how_long, work)

    def run(self, *, until: int) -> None:
        """Go on until nothing is left to happen, or the instant has come."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, work, me = heapq.heappop(heap)
            if me is None:
                work()
            else:
                self.current = me
                work.switch()
                self.current = None
        if heap:
            self.now = until

    def wait(self, how_long: int) -> None:
        """Let others run for so long; the invocation dies here if its time is up."""
        me = self.current
        assert me is not None, "only an invocation waits"
        if me.dead:
            raise Killed
        until = self.now + how_long
        if until > me.deadline:
            until = me.deadline
        heap = self._heap
        if heap and heap[0][0] <= until:
            self._ties += 1
            heapq.heappush(heap, (until, self._ties, getcurrent(), me))
            self.current = None
            self._hub.switch()
        else:
            self.now = until  # nobody else has anything to do before
        if me.dead:
            raise Killed
        if self.now >= me.deadline:
            self._inject("killed at its deadline", me)
            raise self.die(me)

    def park(self, woken_by: list[Callable[[], None]]) -> None:
        """Wait until somebody calls what this puts into the list."""
        me, here = self.current, getcurrent()
        assert me is not None, "only an invocation waits"
        if me.dead:
            raise Killed

        def wake() -> None:
            self._ties += 1
            heapq.heappush(self._heap, (self.now, self._ties, here, me))

        woken_by.append(wake)
        self.current = None
        self._hub.switch()
        if me.dead:
            raise Killed

    def sleep(self, seconds: float) -> None:
        """What ``time.sleep`` is to the code."""
        self.wait(max(0, round(seconds * SECOND)))

    def latency(self) -> int:
        """How long the next answer takes (µs)."""
        self._latency += 1
        return _LATENCIES[self._latency & 1023]

    # ── invocations ──────────────────────────────────────────────────────────────────────────────

    def invoke(
        self,
        function: str,
        work: Callable[[Invocation], object],
        timeout: int,
        then: Callable[[bool], object] | None = None,
    ) -> None:
        """Start an invocation; ``then`` hears whether it came to its end without an error."""
        self._invocations += 1
        skew = self.random.randint(-self.most_skew, self.most_skew) if self.most_skew else 0
        me = Invocation(function, self._invocations, self.now + timeout, skew, self.epoch)
        before, self.current = self.current, me
        try:
            greenlet(self._life, self._hub).switch(me, work, then)
        finally:
            self.current = before

    def _life(
        self,
        me: Invocation,
        work: Callable[[Invocation], object],
        then: Callable[[bool], object] | None,
    ) -> None:
        try:
            came_to = work(me)
        except Killed:
            done = False
        except Exception as failure:  # noqa: BLE001 - as Lambda: whatever it is, the message comes again
            done = False
            self.crashes[type(failure).__name__] += 1
            self.note(f"{me} raised {failure!r}")
            if not isinstance(failure, ClientError | ReadTimeoutError | EndpointConnectionError):
                self.odd(me, failure)
        else:
            done = True
            if self.trace is not None:
                self.note(f"{me} ended: {came_to}")
        me.dead = True
        self.current = None
        if then is not None:
            then(done)

    def odd(self, me: Invocation, failure: Exception) -> None:
        """An exception that no fault of ours explains; whoever checks looks at it."""

    def spawn(self, work: Callable[[], None]) -> None:
        """Run something beside the running invocation, as a part of it (a lane)."""
        me = self.current
        self._ties += 1
        heapq.heappush(self._heap, (self.now, self._ties, greenlet(work, self._hub), me))

    def die(self, me: Invocation) -> Killed:
        """The invocation is no more; raise what this returns."""
        me.dead = True
        self.note(f"{me} † killed")
        return Killed()

    # ── calls ────────────────────────────────────────────────────────────────────────────────────

    def call(self, what: str, do: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """A call over the seam: its answer, late; or a fault."""
        me = self.current
        if me is None:
            return do(**arguments)  # the simulator's own hand
        if me.dead:
            raise Killed
        fault = self.fault(me.function)
        if fault is not None:
            return self._faulty(fault, what, do, arguments, me)
        self.wait(self.latency())
        if self.trace is None:
            return do(**arguments)
        return self.told(what, do, arguments, me)

    def fault(self, scope: str) -> str | None:
        """The fault that the next call of a scope is to suffer."""
        count = self.calls[scope] = self.calls[scope] + 1
        if self.plan and (planned := self.plan.pop((scope, count), None)):
            return planned
        if self.storm and self.now < self.storm_until and self.random.random() < self.storm:
            return "any"
        return None

    def _faulty(
        self,
        fault: str,
        what: str,
        do: Callable[..., Any],
        arguments: dict[str, Any],
        me: Invocation,
    ) -> Any:
        if fault == "any":
            fault = self.random.choice(TABLE_FAULTS)
        if fault == "conflict" and what != "transact_write_items":
            fault = "made twice"
        self._inject(f"{fault} a call", me, what)
        match fault:
            case "refused before":
                self.wait(self.latency())
                raise self._refusal(what)
            case "answer lost after":
                self.wait(self.latency())
                self.told(what, do, arguments, me)
                self._hold(me, self.random.choice((3, 10, 30)) * SECOND)
                raise ReadTimeoutError(endpoint_url=_URL)
            case "made twice":
                # The SDK's own retry, as the first answer was lost.
                self.wait(self.latency())
                with suppress(ClientError):
                    self.told(what, do, arguments, me)
                self._hold(me, self.random.choice((50 * MILLI, SECOND, 5 * SECOND)))
                return self.told(what, do, arguments, me)
            case "killed before":
                self.wait(self.latency())
                raise self.die(me)
            case "killed after":
                self.wait(self.latency())
                self.told(what, do, arguments, me)
                raise self.die(me)
            case "killed in":
                # The request is on its way, and arrives.
                self.after(
                    self.random.randint(0, 5 * SECOND),
                    lambda: self._in_spite(what, do, arguments, me),
                )
                raise self.die(me)
            case "conflict":
                self.wait(self.latency())
                raise error(
                    "TransactionCanceledException",
                    what,
                    CancellationReasons=[{"Code": "TransactionConflict"}],
                )
            case _:  # slow
                self._hold(me, self.random.choice((2, 5, 12, 40, 100)) * SECOND)
                return self.told(what, do, arguments, me)

    def _hold(self, me: Invocation, how_long: int) -> None:
        me.slowed += how_long
        self.wait(how_long)

    def _in_spite(
        self, what: str, do: Callable[..., Any], arguments: dict[str, Any], me: Invocation
    ) -> None:
        with suppress(ClientError):
            self.told(f"{what} (in flight)", do, arguments, me)

    def told(
        self, what: str, do: Callable[..., Any], arguments: dict[str, Any], me: Invocation
    ) -> Any:
        """Do a call, and write into the trace what came of it."""
        if self.trace is None:
            return do(**arguments)
        try:
            answer = do(**arguments)
        except ClientError as refusal:
            self.note(f"{me} {what} {_shown(arguments)} ✗ {refusal.response['Error']['Code']}")
            raise
        self.note(f"{me} {what} {_shown(arguments)} → {_answer(answer)}")
        return answer

    def _refusal(self, what: str) -> Exception:
        if self.random.random() < 0.5:
            return EndpointConnectionError(endpoint_url=_URL)
        return error("ProvisionedThroughputExceededException", what)

    def _inject(self, fault: str, me: Invocation | None, what: str = "") -> None:
        self.inject(fault)
        self.note(f"{me or 'the world'} ⚡ {fault} {what}")

    def inject(self, fault: str) -> None:
        """Count a fault."""
        self.faults[fault] += 1
        self.last_fault = self.now

    def note(self, line: str) -> None:
        """A line of the trace."""
        if self.trace is not None:
            seconds, micros = divmod(self.now, SECOND)
            minutes, seconds = divmod(seconds, 60)
            self.trace.append(f"{minutes:4}:{seconds:02}.{micros // 1000:03}  {line}")


TABLE_FAULTS = (
    *("refused before", "answer lost after", "made twice", "made twice"),
    *("killed before", "killed after", "killed in", "slow", "conflict"),
)


class Lock:
    """A lock between the lanes of one invocation, which are greenlets of one thread."""

    __slots__ = ("_held", "_waiting", "_world")

    def __init__(self, world: World) -> None:
        self._world = world
        self._held = False
        self._waiting: list[Callable[[], None]] = []

    def __enter__(self) -> None:
        while self._held:
            self._world.park(self._waiting)
        self._held = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._held = False
        for wake in self._waiting:
            wake()
        self._waiting.clear()


class GreenLanes:
    """``delivery.lanes.Lanes`` with greenlets for threads."""

    def __init__(self, world: World, count: int) -> None:
        self._world = world
        self.count = count

    def run(
        self, work: Callable[[Any], Any], items: Any, *, ends: Callable[[Any], bool]
    ) -> list[Any]:
        """As Lanes.run."""
        results: list[Any] = [None] * len(items)
        if self.count == 1 or len(items) < 2:
            for number, item in enumerate(items):
                results[number] = result = work(item)
                if ends(result):
                    break
            return results
        waiting = iter(enumerate(items))
        raised: list[BaseException] = []
        left = min(self.count, len(items))
        over = False
        main: list[Callable[[], None]] = []

        def lane() -> None:
            nonlocal left, over
            try:
                while not over and (begun := next(waiting, None)) is not None:
                    number, item = begun
                    results[number] = result = work(item)
                    if ends(result):
                        over = True
            except BaseException as failure:  # noqa: BLE001 - the main lane raises it
                over = True
                raised.append(failure)
            finally:
                left -= 1
                if left == 0:
                    for wake in main:
                        wake()

        for _ in range(left):
            self._world.spawn(lane)
        while left:
            self._world.park(main)
        if raised:
            raise raised[0]
        return results


def _shown(arguments: dict[str, Any]) -> str:
    found = arguments.get("Key") or arguments.get("Item") or {}
    values = arguments.get("ExpressionAttributeValues") or {}
    text = f"{found.get('PK', '')}/{found.get('SK', '')}" if found else ""
    if "Item" in arguments:
        text += f" {dict(found)}"
    if "UpdateExpression" in arguments or "KeyConditionExpression" in arguments:
        text += f" {values}"
    return text or str(arguments)[:300]


def _answer(answer: Any) -> str:
    return str(answer)[:300]
