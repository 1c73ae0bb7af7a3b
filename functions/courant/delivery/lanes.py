"""Several recipients in flight at once, within one invocation.

A lane is a thread that waits for SES. With one lane there are no threads at all: so the local stack
and the tests run, in an order that can be told beforehand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Lanes:
    """Runs work on items, ``count`` at a time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, "lane") if count > 1 else None

    def run(
        self, work: Callable[[T], R], items: Sequence[T], *, ends: Callable[[R], bool]
    ) -> list[R | None]:
        """What came of each item, in their order; None for those not begun.

        Items are begun in order. Once something came of one that ``ends`` it, no more are begun;
        those under way are waited for. What one raises is raised when all have come to rest.
        """
        results: list[R | None] = [None] * len(items)
        if self._pool is None:
            for number, item in enumerate(items):
                results[number] = result = work(item)
                if ends(result):
                    break
            return results
        lock = threading.Lock()
        waiting = iter(enumerate(items))
        over = threading.Event()

        def lane() -> None:
            while not over.is_set():
                with lock:
                    begun = next(waiting, None)
                if begun is None:
                    return
                number, item = begun
                try:
                    results[number] = result = work(item)
                except BaseException:
                    over.set()
                    raise
                if ends(result):
                    over.set()

        lanes = [self._pool.submit(lane) for _ in range(min(self.count, len(items)))]
        for one in lanes:
            one.exception()  # waits; raising now would leave others at work
        for one in lanes:
            one.result()
        return results
