"""Starting an edition: the one way in, for the heartbeat and for an editor's hand.

Put first, then enqueue: a crash between the two leaves a waiting row, which the next heartbeat
finds and enqueues again. Everything is conditional, so starting twice starts once.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from courant import aws, log
from courant.clock import stamp
from courant.editions.model import (
    OPEN,
    RESTARTABLE,
    Edition,
    EditionState,
    PressingRecord,
    PressingState,
)
from courant.editions.store import EditionStore
from courant.newsletter import Newsletter
from courant.schedule import Due, EditionId, Slot, closes


@dataclass(frozen=True, slots=True)
class Started:
    """An edition as it stands after ``start``; ``new`` if this call started it."""

    edition: Edition
    new: bool


class Starter:
    """Starts editions."""

    def __init__(self, editions: EditionStore, sqs: Any, queue: str, epoch: str) -> None:
        self._editions = editions
        self._sqs = sqs
        self._queue = queue
        self._epoch = epoch

    def on_time(
        self, due: Due, newsletter: Newsletter, now: datetime, *, missed: str | None = None
    ) -> Started:
        """Start what the schedule says; an hour found too late is recorded, never sent.

        So is one that was ``missed``, for this reason.
        """
        fresh = self._edition(newsletter, due.edition, due.instant, now)
        new = self._editions.create(fresh)
        edition = fresh if new else self._existing(due.edition)
        # An editor's edition went to every slot already; one that is over adds no hour.
        if not edition.by_hand and edition.state in OPEN:
            self._press(due, now, missed)
        return Started(edition, new)

    def by_hand(
        self,
        newsletter: Newsletter,
        edition_id: EditionId,
        slots: tuple[Slot, ...],
        instant: datetime,
        now: datetime,
        *,
        by: str = "editor",
        spread: bool = False,
    ) -> Started:
        """Start an edition now, for all its slots; the day's scheduled one finds it started."""
        fresh = replace(
            self._edition(newsletter, edition_id, instant, now, by_hand=True), spread=spread
        )
        new = self._editions.create(fresh, by=by)
        edition = fresh if new else self._existing(edition_id)
        if edition.state in RESTARTABLE:
            new = self._editions.restart(fresh, edition.state, by=by)
            edition = self._existing(edition_id)
        unpressed = {EditionState.SCHEDULED, EditionState.COMPOSING, EditionState.SENDING}
        if edition.by_hand and edition.state in unpressed:
            # The row's own instant, not ours: a repeated request presses nothing a second time.
            self._press(Due(edition_id, edition.started_at, slots), now)
        return Started(edition, new)

    def enqueue(self, edition_id: EditionId, instant: datetime) -> None:
        """Nudge compose about a waiting pressing."""
        message = {"edition": str(edition_id), "instant": stamp(instant)}
        aws.send_all(self._sqs, self._queue, [message])

    def _press(self, due: Due, now: datetime, missed: str | None = None) -> None:
        reason = missed or (
            "its hour had passed by more than the newsletter's max_lateness"
            if due.too_late
            else None
        )
        state = PressingState.EXPIRED if reason else PressingState.WAITING
        record = PressingRecord(
            edition=due.edition,
            instant=due.instant,
            slots=due.slots,
            state=state,
            touched_at=now,
            reason=reason,
        )
        if self._editions.add_pressing(record):
            log.event("pressing", status=state, edition=due.edition, instant=stamp(due.instant))
            if state is PressingState.WAITING:
                self.enqueue(due.edition, due.instant)

    def _existing(self, edition_id: EditionId) -> Edition:
        edition = self._editions.get(edition_id)
        assert edition is not None, "the conditional put just found it, and rows are never deleted"  # noqa: S101 - states what DynamoDB told us
        return edition

    def _edition(
        self,
        newsletter: Newsletter,
        edition_id: EditionId,
        instant: datetime,
        now: datetime,
        *,
        by_hand: bool = False,
    ) -> Edition:
        return Edition(
            id=edition_id,
            state=EditionState.SCHEDULED,
            started_at=instant if by_hand else now,
            closes_at=instant if by_hand else closes(newsletter, edition_id, instant),
            by_hand=by_hand,
            epoch=self._epoch,
            moved_at=now,
            policy=newsletter.delivery,
        )
