"""Sends one member their digest: gate → turn → claim → SES → record. What a lane does.

Nothing here is shared between members but the gate, the turns and the clients, so several lanes may
do it at once.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from courant import log
from courant.clock import Clock
from courant.delivery import digest as digests
from courant.delivery.causes import ALL_REFUSED, NO_ANSWER
from courant.delivery.chunks import Chunk
from courant.delivery.digest import Reader
from courant.delivery.gate import Gate, Stop
from courant.delivery.ledger import Delivery, DeliveryState, Ledger
from courant.delivery.mailer import Accepted, Mailer, NotSent, Refused, Unknown
from courant.delivery.pace import Turn
from courant.delivery.throttle import Throttle
from courant.editions.pressing import Pressing
from courant.subscribers.links import Links
from courant.subscribers.model import Member

# A digest that SES throttles is tried so often under one claim; then others wait as well.
TRIES = 5
# What was read of a member is used for so long; who left meanwhile is not mailed.
PAGE_AGE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Halt:
    """Nothing can be sent, to nobody, until somebody mends it. ``reason``: see causes.py."""

    reason: str


Result = Delivery | Stop | Halt


def ends(result: Result) -> bool:
    """Whether a lane's result ends the page."""
    return not isinstance(result, Delivery)


class Streaks:
    """How many digests SES refused, or did not answer about, while it took none.

    After 20 it is not the addresses, nor a lost packet.
    """

    LONGEST = 20

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since_taken: Counter[str] = Counter()

    def taken(self) -> None:
        """SES took one."""
        with self._lock:
            self._since_taken.clear()

    def broken(self, reason: str) -> bool:
        """Whether so many went wrong for this reason, with this one, that no more are tried."""
        with self._lock:
            self._since_taken[reason] += 1
            return self._since_taken[reason] >= self.LONGEST


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the digests of one chunk. ``lease``: until when this invocation may live."""

    chunk: Chunk
    pressing: Pressing
    gate: Gate
    throttle: Throttle
    ledger: Ledger
    mailer: Mailer
    links: Links
    lease: datetime
    now: Clock
    streaks: Streaks
    auto: bool = False
    new_id: Callable[[], str] = lambda: secrets.token_hex(8)

    def send(self, member: Member, read_at: datetime) -> Result:
        """What came of one member's digest; a Stop or a Halt where the walk can't go on."""
        if reason := _absent(member, self.now()):
            return self._skip(member, reason)
        unsubscribe_url = self.links.unsubscribe(member.sid, self.chunk.edition.newsletter)
        reader = Reader(
            sections=member.sections, limit=member.limit, name=member.name, locale=member.locale
        )
        try:
            digest = digests.join(self.pressing, reader, unsubscribe_url)
        except Exception:  # noqa: BLE001 - the isolation point: one reader must not stop the others
            return self._unwritable(member)
        if digest is None:
            return self._skip(member, "nothing new in their sections")
        if stop := self.gate.stop():
            return stop
        # Before the claim, so that what is claimed is sent at once.
        latest = min(self.gate.latest, read_at + PAGE_AGE)
        match self.throttle.acquire(latest):
            case Turn.NO_QUOTA:
                return Halt(Turn.NO_QUOTA.value)
            case Turn.TOO_LATE:
                return Stop.STALE if self.gate.in_time() else Stop.DEADLINE
        if stop := self.gate.stop():
            return stop
        if self.now() > latest:  # the gate may have had to ask, and AWS took its time
            return Stop.STALE
        row, ours = self._claim(member)
        if not ours:
            return row  # somebody has it, or it is final
        try:
            raw = digests.message(
                self.pressing,
                digest,
                to=member.email or "",
                now=self.now(),
                unsubscribe_url=unsubscribe_url,
                text_only=member.format == "text",
            )
        except Exception:  # noqa: BLE001 - see above
            return self._fail(row)
        return self._hand_over(row, raw, member.email or "", latest)

    def _claim(self, member: Member) -> tuple[Delivery, bool]:
        """The row, and whether it is ours to send."""
        attempt = self.new_id()
        row = self.ledger.claim(
            self.chunk.edition,
            member.sid,
            attempt=attempt,
            chunk=self.chunk.id,
            lease=self.lease,
            now=self.now(),
            auto=self.auto,
        )
        return row, row.attempt == attempt and row.state is DeliveryState.CLAIMED

    def _unwritable(self, member: Member) -> Delivery:
        row, ours = self._claim(member)
        return self._fail(row) if ours else row

    def _fail(self, row: Delivery) -> Delivery:
        log.error("digest", status="unwritable", edition=self.chunk.edition, sid=row.sid)
        return self._record(row, DeliveryState.FAILED, "the mail can't be written")

    def _hand_over(self, row: Delivery, raw: bytes, to: str, latest: datetime) -> Result:
        tags = {"ed": self.chunk.edition.tag, "rid": row.sid, "att": row.attempt or ""}
        sender = self.pressing.masthead.sender_address
        for left in reversed(range(TRIES)):
            if not self.gate.in_time():
                # The claim itself, or a wait, took too long: nothing went out, so say so.
                self._record(row, DeliveryState.RETRY, "deadline")
                return Stop.DEADLINE
            outcome = self.mailer.send(raw, to, sender, tags)
            match outcome:
                case Accepted(message_id):
                    self.streaks.taken()
                    return self._record(row, DeliveryState.SENT, message_id=message_id)
                case Refused(reason):
                    failed = self._record(row, DeliveryState.FAILED, reason)
                    return Halt(ALL_REFUSED) if self.streaks.broken(ALL_REFUSED) else failed
                case Unknown(reason):
                    unknown = self._record(row, DeliveryState.UNKNOWN, reason)
                    return Halt(NO_ANSWER) if self.streaks.broken(NO_ANSWER) else unknown
                case NotSent(reason, halted=True):
                    self._record(row, DeliveryState.RETRY, reason)
                    return Halt(reason)
                case NotSent(reason):
                    self.throttle.slower()
                    if stop := self._wait(left, latest):
                        return self._give_back(row, reason, stop)
                case _:
                    assert_never(outcome)
        return self._give_back(row, reason, Stop.THROTTLED)

    def _wait(self, left: int, latest: datetime) -> Stop | None:
        """Wait for another turn, under the same claim; a Stop if there is none."""
        if not left:
            return Stop.THROTTLED
        if stop := self.gate.stop():
            return stop
        if self.throttle.acquire(latest) is not Turn.GO:
            return Stop.THROTTLED
        return self.gate.stop()

    def _give_back(self, row: Delivery, reason: str, stop: Stop) -> Stop:
        self._record(row, DeliveryState.RETRY, reason)
        return stop

    def _record(
        self,
        row: Delivery,
        state: DeliveryState,
        reason: str | None = None,
        message_id: str | None = None,
    ) -> Delivery:
        edition = self.chunk.edition
        recorded = self.ledger.record(
            edition,
            row.sid,
            row.attempt or "",
            state,
            self.now(),
            reason=reason,
            message_id=message_id,
        )
        if state is not DeliveryState.SENT:  # those are counted by the page; a line each costs more
            log.event("digest", status=state, edition=edition, sid=row.sid, reason=reason)
        if recorded is None and (present := self.ledger.get(edition, row.sid)):
            return present  # an event was faster, and may say otherwise
        return replace(row, state=recorded or state, reason=reason)

    def _skip(self, member: Member, reason: str) -> Delivery:
        return self.ledger.skip(
            self.chunk.edition, member.sid, chunk=self.chunk.id, reason=reason, now=self.now()
        )


def _absent(member: Member, now: datetime) -> str | None:
    """Why somebody who was counted at the cut is not to be mailed now."""
    # Who moved to another slot has an address here yet: this edition counted them here.
    if member.email is None:
        return member.gone_reason or "left"
    if member.paused_until is not None and member.paused_until > now:
        return "paused"
    return None
