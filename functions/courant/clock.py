"""The one clock. Deciders take ``now``; whatever talks to the world asks here.

The local stack moves it (``courant demo --at``); in production nobody calls ``use``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


_source: Clock = system


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return _source().astimezone(UTC)


@contextmanager
def use(clock: Clock) -> Iterator[None]:
    """Run the block by another clock."""
    global _source
    before, _source = _source, clock
    try:
        yield
    finally:
        _source = before


def stamp(instant: datetime) -> str:
    """An instant as text that sorts like the instant: ``2026-11-22T07:00:00.000000Z``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_stamp(text: str) -> datetime:
    """The instant that ``stamp`` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
