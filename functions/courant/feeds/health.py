"""How a feed is, from its row alone, and what an editor should know of it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from courant.feeds.row import Feed

# The heartbeat comes each minute, a queue may hold a visit up for a few.
_LATE = timedelta(minutes=30)


class State(IntEnum):
    """How a feed is; the greater, the better."""

    GONE = 0
    FAILING = 1
    EMPTY = 2
    LATE = 3
    MOVED = 4
    NEW = 5
    OK = 6

    @property
    def needs_somebody(self) -> bool:
        """Whether an editor or an operator should look at it."""
        return self < State.NEW


def state_of(row: Feed | None, now: datetime) -> State:
    """How a feed is; None is one that has no row yet."""
    if row is None:
        return State.NEW
    if row.gone_at:
        return State.GONE
    if row.error:
        return State.FAILING
    if row.body_hash and not row.present:
        return State.EMPTY
    if row.due_at and now - row.due_at > _LATE:
        return State.LATE
    if row.address:
        return State.MOVED
    return State.OK if row.fetched_at else State.NEW


def trouble(row: Feed, state: State) -> str | None:
    """What is wrong, as a sentence; None if nobody needs to look at it."""
    match state:
        case State.GONE:
            return f"gone since {_minute(row.gone_at)}: its server says for good (410)"
        case State.FAILING:
            return f"since {_minute(row.failing_since)}, {_times(row.failures)}: {row.error}"
        case State.EMPTY:
            return "nothing in it can be used; see 'courant feeds check' with its address"
        case State.LATE:
            return "it was due, and nobody came"
        case State.MOVED:
            return f"write its new address: {row.address}"
        case _:
            return None


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else "never"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
