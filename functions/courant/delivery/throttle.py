"""A worker's turns at SES: when its next mail may go, by the pace that all workers share.

One for all lanes of an invocation. It takes the instants of several mails from the ledger at once;
lanes wait for theirs without holding the others up.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

from courant.clock import Clock
from courant.delivery.grants import Grants
from courant.delivery.pace import AHEAD, LATE, Grant, Spent, Turn, Wait


class Throttle:
    """Says when a mail may go out. ``sleep`` takes seconds."""

    def __init__(self, grants: Grants, now: Clock, sleep: Callable[[float], None]) -> None:
        self._grants = grants
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._instants: deque[datetime] = deque()
        # Of the last grant. A worker that takes more than it can send wastes what others could.
        self._used = self._missed = 0
        self._growth = 2.0
        # How long taking them took: instants that pass meanwhile would be lost, each time again.
        self._took = timedelta(0)

    def acquire(self, latest: datetime) -> Turn:
        """Wait for a mail's turn; GO means that it may go out now.

        Args:
            latest: no turn after it is of use. It is never waited past.
        """
        waited = None
        while True:
            turn = self._next(latest, waited)
            if isinstance(turn, Turn):
                return turn
            until = turn.until if isinstance(turn, Wait) else turn
            wait = until - self._now()
            if wait > timedelta(0):
                self._sleep(wait.total_seconds())
            if isinstance(turn, Wait):
                waited = until
                continue
            # A starved thread wakes late: late turns all at once would be a burst.
            woken = self._now()
            if woken > latest:
                return Turn.TOO_LATE
            if woken <= turn + LATE:
                return Turn.GO

    def slower(self) -> None:
        """Tell all workers that SES asked for less: a 429 came."""
        with self._lock:
            self._instants.clear()  # taken at the old pace
            self._grants.slow_down(self._now())

    def _next(self, latest: datetime, waited: datetime | None) -> Turn | Wait | datetime:
        """The instant of a turn, now the caller's; or how long to wait before asking again."""
        with self._lock:
            # Once waited for, an instant counts as come: a sleep is taken at its word.
            now = max(self._now(), waited or self._now())
            while self._instants and self._instants[0] + LATE < now:
                self._instants.popleft()
                self._missed += 1
            if now <= latest and not self._instants:
                match self._take(now):
                    case Wait(until) as wait:
                        return Turn.TOO_LATE if until > latest else wait
                    case Spent():
                        return Turn.NO_QUOTA
                    case Grant(instants):
                        self._instants.extend(instants)
                    case never:
                        assert_never(never)
            if now > latest or self._instants[0] > latest:
                return Turn.TOO_LATE
            self._used += 1
            return self._instants.popleft()

    def _take(self, now: datetime) -> Grant | Wait | Spent:
        # Twice what could be used, and once that was too much, a little more each time.
        self._growth = 1.0 if self._missed else max(self._growth, 1.1)
        wanted = max(math.ceil(self._used * self._growth), 1)
        asked = self._now()
        answer = self._grants.take(wanted, now + self._took)
        if isinstance(answer, Grant):
            self._took = min(max(self._now() - asked, timedelta(0)), AHEAD)
            self._used = self._missed = 0
        return answer
