"""What an edition is while it runs.

scheduled ─► sending ─► sent | sent with unresolved
    │           └─ paused ⇄ sending, cancelled (an editor's hand)
    ├─► skipped   there was nothing new; nobody is mailed
    └─► expired   its hour passed by more than max_lateness; only an editor may start it
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from courant.schedule import EditionId, Slot


class EditionState(StrEnum):
    """Where an edition stands, as editors read it."""

    SCHEDULED = "scheduled"  # started; its pressing is not frozen yet
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    SENT_WITH_UNRESOLVED = "sent with unresolved"  # some digests: nobody can say; see the report
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


# Asks for work, now or at a later hour.
OPEN = frozenset({EditionState.SCHEDULED, EditionState.SENDING, EditionState.PAUSED})
# Nobody was mailed and nothing runs: an editor may still start it by hand.
RESTARTABLE = frozenset({EditionState.SKIPPED, EditionState.EXPIRED})


class PressingState(StrEnum):
    """Where one instant of an edition stands."""

    WAITING = "waiting"  # compose has yet to freeze it
    PRESSED = "pressed"  # frozen, its chunks are open
    DONE = "done"  # every chunk is settled
    SKIPPED = "skipped"
    EXPIRED = "expired"


# States after which a pressing asks for no more work.
CLOSED_PRESSINGS = frozenset({PressingState.DONE, PressingState.SKIPPED, PressingState.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One edition's row. ``closes_at``: no slot comes due after it."""

    id: EditionId
    state: EditionState
    started_at: datetime
    closes_at: datetime
    by_hand: bool
    epoch: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PressingRecord:
    """One instant of an edition's row: for whom it is due, and how far it is.

    ``members`` is counted at the cut, once the state is ``pressed``.
    """

    edition: EditionId
    instant: datetime
    slots: tuple[Slot, ...]
    state: PressingState
    touched_at: datetime
    members: int = 0
    articles: int = 0
    reason: str | None = None
