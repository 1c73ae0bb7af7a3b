"""What becomes of a walked chunk's digests whose fate is not known, and when the chunk is done.

Strict, the default: what no answer and no SES event settled within the grace is UNRESOLVED, shown
to the editor, and not sent again. A newsletter missed once costs less than one sent twice.

Auto: it is sent again, if the events of the chunk's other digests came, so that this one's would
have come too. That its event alone was lost is the one way in which somebody gets a digest twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from courant import log
from courant.delivery.chunks import Chunk, Counts
from courant.delivery.ledger import FINAL, Delivery, DeliveryState, Ledger
from courant.editions.model import Edition, EditionState
from courant.policy import Policy

# SES events come within seconds, rarely minutes.
GRACE = timedelta(minutes=15)
# A mail that its receiver keeps waiting has no event for longer; only who sends again must wait.
AUTO_GRACE = timedelta(hours=1)
# Then no more is waited for events that do not come.
AUTO_GIVE_UP = timedelta(hours=6)
# Of the digests that SES took, so many must have been heard of, or their channel is not trusted.
HEARD = 0.99
_EVERY_MAIL = frozenset({"Send", "Delivery"})
# How often a digest is tried at all, first send included.
AUTO_TRIES = 3


@dataclass(slots=True)
class Found:
    """A chunk's rows: what is counted, what waits for word, and what is to be sent (again)."""

    counts: Counts
    waiting: int = 0
    again: list[Delivery] = field(default_factory=list)


def overdue(row: Delivery, policy: Policy, now: datetime) -> bool:
    """Whether an open row has waited long enough for word: past its lease and the grace."""
    grace = AUTO_GRACE if policy is Policy.AUTO else GRACE
    asked = {DeliveryState.CLAIMED, DeliveryState.UNKNOWN}
    return row.state in asked and row.lease + grace.total_seconds() < now.timestamp()


def verdict(row: Delivery, policy: Policy, now: datetime, *, trusted: bool) -> DeliveryState | None:
    """What an overdue row, or one that is not to be tried again, becomes; None: it waits on."""
    if row.state is DeliveryState.RETRY:
        return DeliveryState.UNRESOLVED if row.doubt else DeliveryState.SKIPPED
    if policy is Policy.STRICT or row.tries >= AUTO_TRIES:
        return DeliveryState.UNRESOLVED
    if trusted:
        return DeliveryState.RETRY
    waited = now.timestamp() - row.lease
    return DeliveryState.UNRESOLVED if waited > AUTO_GIVE_UP.total_seconds() else None


def settle(ledger: Ledger, chunk: Chunk, edition: Edition, now: datetime) -> Found:
    """Recount a chunk from its rows, and decide about those that are overdue.

    An edition that was cancelled sends nothing again: what waits for a try is skipped.
    """
    found = Found(Counts(had=chunk.counts.had))
    cancelled = edition.state is EditionState.CANCELLED
    policy = Policy.STRICT if cancelled else edition.policy
    late: list[Delivery] = []
    heard = accepted = good = 0
    for row in _mine(ledger, chunk):
        accepted += row.state is DeliveryState.SENT
        heard += row.state is DeliveryState.SENT and row.evidence is not None
        good += row.evidence in _EVERY_MAIL
        if overdue(row, policy, now) or (cancelled and row.state is DeliveryState.RETRY):
            late.append(row)
        elif row.state is DeliveryState.RETRY or (not cancelled and _wanted_again(row, edition)):
            found.again.append(row)
        elif row.state in FINAL:
            found.counts = count(found.counts, row.state)
        else:
            found.waiting += 1
    # That bad news came does not show that news of every mail would.
    trusted = good > 0 and heard >= accepted * HEARD
    for row in late:
        after = verdict(row, policy, now, trusted=trusted)
        reason = row.reason or "lease ran out"
        if after is None or not ledger.settle(chunk.edition, row, after, now, reason):
            found.waiting += 1  # for its event, or it has just been heard of
            continue
        log.error("digest", status=after, edition=chunk.edition, sid=row.sid, reason=reason)
        if after is DeliveryState.RETRY:
            found.again.append(replace(row, state=after))
        else:
            found.counts = count(found.counts, after)
    return found


def free(
    ledger: Ledger, edition: Edition, rows: Iterable[Delivery], now: datetime
) -> list[Delivery]:
    """Those of the rows that may be claimed again: an editor's word sets the unresolved free."""
    freed = []
    for row in rows:
        if row.state is DeliveryState.RETRY:
            freed.append(row)
        elif ledger.settle(edition.id, row, DeliveryState.RETRY, now, "an editor's word"):
            freed.append(replace(row, state=DeliveryState.RETRY))
    return freed


def count(counts: Counts, state: DeliveryState) -> Counts:
    """The counts with one more row of a final state."""
    return replace(counts, **{state.value: getattr(counts, state.value) + 1})


def _mine(ledger: Ledger, chunk: Chunk) -> Iterable[Delivery]:
    rows = ledger.of_range(chunk.edition, chunk.range)
    return (row for row in rows if row.chunk == chunk.id)


def _wanted_again(row: Delivery, edition: Edition) -> bool:
    return (
        row.state is DeliveryState.UNRESOLVED
        and edition.resend_before is not None
        and row.at < edition.resend_before
    )
