"""What an edition is while it runs.

scheduled ─► composing ─► sending ⇄ paused
    │            │           └─► settling ─► sent | sent with unresolved (─► sending, by hand)
    │            ├─► skipped   there was nothing new; nobody is mailed
    │            └─► expired   its hour passed by more than max_lateness; only a hand may start it
    └─ at any time before its end: cancelled (an editor's hand)

A state between scheduled and composing, in which an edition waits for somebody's approval, would be
one more line of ``MOVES``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from courant.policy import Policy
from courant.schedule import EditionId, Slot


class EditionState(StrEnum):
    """Where an edition stands, as editors read it."""

    SCHEDULED = "scheduled"  # started; nobody works on it yet
    COMPOSING = "composing"  # its first pressing is being made
    SENDING = "sending"
    PAUSED = "paused"  # by an editor, or because nothing could be sent; see its reason
    SETTLING = "settling"  # all are mailed; of some it is not known yet whether SES took them
    SENT = "sent"
    SENT_WITH_UNRESOLVED = "sent with unresolved"  # some digests: nobody can say; see the report
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_S = EditionState
# Every change of state there is. Whatever else is asked for is a defect.
MOVES: Mapping[EditionState, frozenset[EditionState]] = {
    _S.SCHEDULED: frozenset({_S.COMPOSING, _S.PAUSED, _S.CANCELLED, _S.SKIPPED, _S.EXPIRED}),
    _S.COMPOSING: frozenset({_S.SENDING, _S.PAUSED, _S.CANCELLED, _S.SKIPPED, _S.EXPIRED}),
    # Resumed before it was composed, it may turn out that there is nothing to send.
    _S.SENDING: frozenset({_S.PAUSED, _S.SETTLING, _S.CANCELLED, _S.SKIPPED, _S.EXPIRED}),
    _S.PAUSED: frozenset({_S.SENDING, _S.CANCELLED}),
    _S.SETTLING: frozenset({_S.SENDING, _S.PAUSED, _S.CANCELLED, _S.SENT, _S.SENT_WITH_UNRESOLVED}),
    # An editor has the unresolved tried again.
    _S.SENT_WITH_UNRESOLVED: frozenset({_S.SENDING}),
    _S.SENT: frozenset(),
    _S.CANCELLED: frozenset(),
    # Nobody was mailed and nothing runs: an editor may still start it.
    _S.SKIPPED: frozenset({_S.SCHEDULED}),
    _S.EXPIRED: frozenset({_S.SCHEDULED}),
}
# Asks for work, now or at a later hour.
# So long an edition may take. Who left since its cut is known for two weeks, after which its count
# is no longer whole; and nobody wants last week's news.
LONGEST = timedelta(days=7)
OPEN = frozenset({_S.SCHEDULED, _S.COMPOSING, _S.SENDING, _S.PAUSED, _S.SETTLING})
# A digest may be sent.
SENDS = frozenset({_S.SENDING, _S.SETTLING})
RESTARTABLE = frozenset({_S.SKIPPED, _S.EXPIRED})


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
    """One edition's row.

    ``closes_at``: no slot comes due after it. ``moved_at``: when it came into its state.
    ``attended``: an editor resumed it, so that it may be late. ``braked``: it was paused because
    too much came back; once an editor lets it go on, it goes on. ``spread``: an editor agreed that
    the account's daily quota spreads it over days. ``resend_before``: an editor wants what was
    unresolved before it tried again.
    """

    id: EditionId
    state: EditionState
    started_at: datetime
    closes_at: datetime
    by_hand: bool
    epoch: str
    moved_at: datetime
    policy: Policy = Policy.STRICT
    attended: bool = False
    braked: bool = False
    spread: bool = False
    resend_before: datetime | None = None
    reason: str | None = None

    @property
    def may_be_late(self) -> bool:
        """Whether somebody decided that it goes out, whatever the hour."""
        return self.by_hand or self.attended


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A change of an edition's state, as its audit keeps it. ``by``: ``heartbeat``, ``compose``
    or ``editor:<name>``."""

    at: datetime
    before: EditionState | None
    after: EditionState
    by: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening a pressing's chunks came to: members at the cut, and why none may be mailed
    yet (None: they may; ``wake`` has somebody begin)."""

    members: int
    refusal: str | None
    wake: Callable[[], None]


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
