"""What the heartbeat does for an edition that is not over: nudges, pauses, ends.

What there is to do is decided in watch.py; doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from courant import aws, log
from courant.delivery import causes, plan
from courant.delivery.account import AccountReader
from courant.delivery.chunks import ChunkStore, nudge
from courant.delivery.grants import Grants
from courant.delivery.heard import HeardStore
from courant.delivery.pace import unlooked
from courant.delivery.watch import Work, next_work
from courant.editions.model import OPEN, Edition, EditionState, PressingState
from courant.editions.start import Starter
from courant.editions.steer import paused_by_hand
from courant.editions.store import EditionStore
from courant.newsletter import Newsletter

# How often the account is looked at while an edition is open, and while a spread one waits for
# its quota to come free.
LOOK, LOOK_WAITING = timedelta(minutes=5), timedelta(minutes=1)
# A report waits for the first bounces; SQS holds a message 15 minutes at most.
_REPORT_DELAY = 600
_SOON = 5  # when the move is written
_TOLD_FOR = timedelta(minutes=10)
_BY = "heartbeat"


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Everything it needs."""

    editions: EditionStore
    chunks: ChunkStore
    heard: HeardStore
    account: AccountReader
    grants: Grants
    starter: Starter
    sqs: Any
    chunks_queue: str
    letters_queue: str

    def look(self, open_editions: Iterable[Edition], now: datetime) -> None:
        """Look at the account anew, if an edition is open and the last look is old."""
        idle = {EditionState.PAUSED, EditionState.CANCELLED}
        running = [edition for edition in open_editions if edition.state not in idle]
        if not running:
            return
        pace = self.grants.current()
        spread = any(edition.spread for edition in running)
        every = LOOK_WAITING if spread and pace and not pace.budget else LOOK
        if pace and pace.looked_at and pace.looked_at + every > now:
            return
        try:
            self.grants.look(self.account.read(), now)
        except (BotoCoreError, ClientError):
            log.error("account", status="unreadable")  # the pace stays as it is

    def take_up(self, edition: Edition, newsletter: Newsletter | None, now: datetime) -> None:
        """Do what an edition needs next. ``newsletter`` is None where it was removed."""
        if edition.state is EditionState.PAUSED:
            self._report_pause(edition, newsletter, now)
            return
        pace = self.grants.current() or unlooked(now)
        work = next_work(
            edition,
            self.editions.pressings(edition.id),
            self.chunks.of_edition(edition.id),
            now,
            walkers=plan.walkers(pace.limit),
            heard=self.heard.of(edition.id),
        )
        sender = newsletter.sender.address if newsletter else ""
        halted = causes.sentence(work.halted, sender) if work.halted else None
        if reason := halted or work.brake:
            self._pause(edition, newsletter, reason, now, braked=not halted)
            return
        self._go_on(edition, work, now)
        self._end(edition, newsletter, work, now)

    def _go_on(self, edition: Edition, work: Work, now: datetime) -> None:
        for record in work.drop:
            self.editions.move_pressing(
                record, PressingState.SKIPPED, now, reason="the edition was cancelled"
            )
        for record in work.recompose:
            if self.editions.touch_pressing(record, now):
                self.starter.enqueue(record.edition, record.instant)
        for chunk in work.reopen:
            if edition.resend_before:
                self.chunks.reopen(chunk, edition.resend_before)
        nudge(
            self.sqs,
            self.chunks_queue,
            [chunk for chunk in work.nudge if self.chunks.nudged(chunk, now)],
        )
        for record in work.finish:
            self.editions.move_pressing(record, PressingState.DONE, now)

    def _pause(
        self,
        edition: Edition,
        newsletter: Newsletter | None,
        reason: str,
        now: datetime,
        *,
        braked: bool,
    ) -> None:
        log.error("edition", status="paused", edition=edition.id)
        self.editions.move(
            edition.id,
            edition.state,
            EditionState.PAUSED,
            by=_BY,
            now=now,
            reason=reason,
            braked=braked or None,
        )
        self._report(edition, newsletter, _SOON)

    def _end(
        self, edition: Edition, newsletter: Newsletter | None, work: Work, now: datetime
    ) -> None:
        if work.rest:
            self._report(edition, newsletter, _SOON)
            self.editions.rest(edition.id)
        if work.close and work.close[-1] not in OPEN:
            # Before the move, after which nobody would: two of them are one letter.
            self._report(edition, newsletter, _REPORT_DELAY)
        before = edition.state
        for after in work.close:
            if not self.editions.move(edition.id, before, after, by=_BY, now=now):
                return
            log.event("edition", status=after, edition=edition.id)
            before = after

    def _report_pause(self, edition: Edition, newsletter: Newsletter | None, now: datetime) -> None:
        """Whoever paused it, compose perhaps, may have died before it told. One letter goes out."""
        if edition.moved_at + _TOLD_FOR > now and not paused_by_hand(edition):
            self._report(edition, newsletter, 0)

    def _report(self, edition: Edition, newsletter: Newsletter | None, delay: int) -> None:
        if newsletter is not None and newsletter.report_to:
            message = {"kind": "report", "edition": str(edition.id)}
            aws.send_all(self.sqs, self.letters_queue, [message], delay=delay)
