"""The one clock. Deciders take ``now``; whatever talks to the world asks here.

The local stack moves it (``courant demo --at``); in production nobody calls ``use``.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


_source: Clock = system
_sleep: Callable[[float], None] = time.sleep


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return _source().astimezone(UTC)


def sleep(seconds: float) -> None:
    """Wait. By a clock that somebody moves, waiting takes no time."""
    _sleep(seconds)


@contextmanager
def use(clock: Clock) -> Iterator[None]:
    """Run the block by another clock."""
    global _source, _sleep
    before = _source, _sleep
    _source, _sleep = clock, time.sleep if clock is system else _no_wait
    try:
        yield
    finally:
        _source, _sleep = before


def _no_wait(seconds: float) -> None:
    """What a clock that stands still makes of waiting."""


def stamp(instant: datetime) -> str:
    """An instant as text that sorts like the instant: ``2026-11-22T07:00:00.000000Z``."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def from_stamp(text: str) -> datetime:
    """The instant that ``stamp`` wrote."""
    return datetime.fromisoformat(text)
