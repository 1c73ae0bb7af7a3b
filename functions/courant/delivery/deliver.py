"""Walks one chunk: for every member claim → SES → record. One thread, one recipient in flight.

The walk stops before its invocation's deadline, gives the lease back and nudges itself. Whoever
crashes leaves a lease that runs out after its death; the heartbeat nudges then.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

from courant import log
from courant.clock import Clock
from courant.delivery import digest as digests
from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts, nudge
from courant.delivery.digest import Reader
from courant.delivery.ledger import Delivery, DeliveryState, Ledger
from courant.delivery.mailer import Accepted, Mailer, NotSent, Refused, Unknown
from courant.delivery.reconcile import close
from courant.editions.frozen import PressingStore
from courant.editions.model import EditionState
from courant.editions.pressing import Pressing, PressingUnreadable
from courant.editions.store import EditionStore
from courant.schedule import EditionId
from courant.subscribers.links import Links
from courant.subscribers.lists import MemberLists
from courant.subscribers.model import Member

# Members read at once. Small, so that what was read is not old when the last of it is mailed.
PAGE = 25
# No SES call starts this close to the deadline: its socket may take 13 s.
FENCE = timedelta(seconds=15)
# A digest that SES throttles is tried again for so long after the cut, then given up and reported.
GIVE_UP = timedelta(days=1)
# When a lease has run out its owner is dead: Lambda kills at the deadline, and this is after it.
LEASE_BEYOND_DEADLINE = timedelta(seconds=60)


class Stop(StrEnum):
    """Why a walk ended before its chunk did."""

    DEADLINE = "deadline"
    THROTTLED = "throttled"
    HALTED = "halted"
    NOT_SENDING = "not sending"


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Everything a walk needs. Make one an invocation (see mailer.py)."""

    editions: EditionStore
    pressings: PressingStore
    subscribers: MemberLists
    ledger: Ledger
    chunks: ChunkStore
    mailer: Mailer
    links: Links
    sqs: Any
    queue: str
    epoch: str
    now: Clock
    new_id: Callable[[], str] = lambda: secrets.token_hex(8)

    def deliver(self, edition: EditionId, chunk_id: str, deadline: datetime) -> str:
        """Walk a chunk as far as the deadline lets; what it came to, for the log."""
        chunk = self.chunks.take(edition, chunk_id, deadline + LEASE_BEYOND_DEADLINE, self.now())
        if chunk is None:
            return "not ours"
        if chunk.epoch != self.epoch:
            log.error("chunk", status="refused", chunk=chunk_id, epoch=chunk.epoch)
            self.chunks.release(chunk, chunk.state, chunk.counts, "another epoch")
            return "another epoch"
        if chunk.state is ChunkState.SETTLING:
            close(self.chunks, self.ledger, chunk, self.now())
            return "settled"
        try:
            frozen = self.pressings.get(edition, chunk.instant)
        except PressingUnreadable as error:
            # Another Courant froze it. Nobody can tell what it held, so it waits for an editor
            # rather than being tried for ever.
            log.error("chunk", status="unreadable", edition=edition, chunk=chunk_id)
            self.editions.move(edition, EditionState.SENDING, EditionState.PAUSED, str(error))
            self.chunks.release(chunk, chunk.state, chunk.counts, "unreadable pressing")
            return "unreadable"
        if frozen is None:
            self.chunks.release(chunk, chunk.state, chunk.counts, "no pressing")
            return "no pressing"
        return self._walk(chunk, frozen.pressings[chunk.pressing], deadline)

    def _walk(self, chunk: Chunk, pressing: Pressing, deadline: datetime) -> str:
        while True:
            if stop := self._must_stop(chunk.edition, deadline):
                return self._leave(chunk, stop)
            page = self.subscribers.page(
                chunk.edition.newsletter,
                chunk.slot,
                chunk.range,
                chunk.cut_at,
                after=chunk.cursor,
                limit=PAGE,
            )
            counts, cursor = chunk.counts, chunk.cursor
            stop = None
            for member in page.members:
                if self.now() + FENCE >= deadline:
                    stop = Stop.DEADLINE
                    break
                came_to = self._member(chunk, pressing, member, deadline)
                if isinstance(came_to, Stop):
                    stop = came_to
                    break
                counts, cursor = _add(counts, came_to, chunk.id), member.sid
            if stop is None and page.cursor is not None:
                cursor = page.cursor
            advanced = self.chunks.advance(chunk, cursor, counts)
            if advanced is None:
                return "lease lost"
            chunk = advanced
            if stop is not None:
                return self._leave(chunk, stop)
            if page.cursor is None:
                close(self.chunks, self.ledger, chunk, self.now())
                return "walked"

    def _must_stop(self, edition_id: EditionId, deadline: datetime) -> Stop | None:
        if self.now() + FENCE >= deadline:
            return Stop.DEADLINE
        edition = self.editions.get(edition_id)
        if edition is None or edition.epoch != self.epoch:
            return Stop.NOT_SENDING
        sending = edition.state in {EditionState.SCHEDULED, EditionState.SENDING}
        return None if sending else Stop.NOT_SENDING

    def _leave(self, chunk: Chunk, stop: Stop) -> str:
        self.chunks.release(chunk, ChunkState.OPEN, chunk.counts, stop.value)
        if stop is Stop.DEADLINE:
            nudge(self.sqs, self.queue, [chunk])
        return stop.value

    def _member(
        self, chunk: Chunk, pressing: Pressing, member: Member, deadline: datetime
    ) -> Delivery | Stop:
        now = self.now()
        if member.email is None or member.gone_at is not None:
            return self._skip(chunk, member, member.gone_reason or "left", now)
        if member.paused_until is not None and member.paused_until > now:
            return self._skip(chunk, member, "paused", now)
        unsubscribe_url = self.links.unsubscribe(member.sid, chunk.edition.newsletter)
        reader = Reader(
            sections=member.sections, limit=member.limit, name=member.name, locale=member.locale
        )
        digest = digests.join(pressing, reader, unsubscribe_url)
        if digest is None:
            return self._skip(chunk, member, "nothing new in their sections", now)
        attempt = self.new_id()
        lease = deadline + LEASE_BEYOND_DEADLINE
        row = self.ledger.claim(
            chunk.edition, member.sid, attempt=attempt, chunk=chunk.id, lease=lease, now=now
        )
        if row.attempt != attempt or row.state is not DeliveryState.CLAIMED:
            return row
        try:
            raw = digests.message(
                pressing,
                digest,
                to=member.email,
                now=now,
                unsubscribe_url=unsubscribe_url,
                text_only=member.format == "text",
            )
        except ValueError:
            log.error("digest", status="unwritable", edition=chunk.edition, sid=member.sid)
            return self._record(chunk, row, DeliveryState.FAILED, "the mail can't be written")
        if self.now() + FENCE >= deadline:
            # The claim itself took too long: nothing went out, so say so and come back.
            self._record(chunk, row, DeliveryState.RETRY, "deadline")
            return Stop.DEADLINE
        return self._send(chunk, pressing, row, raw, member.email)

    def _send(
        self, chunk: Chunk, pressing: Pressing, row: Delivery, raw: bytes, to: str
    ) -> Delivery | Stop:
        tags = {"ed": chunk.edition.tag, "rid": row.sid, "att": row.attempt or ""}
        outcome = self.mailer.send(raw, to, pressing.masthead.sender_address, tags)
        match outcome:
            case Accepted(message_id):
                return self._record(chunk, row, DeliveryState.SENT, message_id=message_id)
            case Refused(reason):
                return self._record(chunk, row, DeliveryState.FAILED, reason)
            case Unknown(reason):
                return self._record(chunk, row, DeliveryState.UNKNOWN, reason)
            case NotSent(reason, halted=True):
                self._record(chunk, row, DeliveryState.RETRY, reason)
                log.error("send", status="halted", edition=chunk.edition, reason=reason)
                return Stop.HALTED
            case NotSent(reason):
                if self.now() - chunk.cut_at > GIVE_UP:
                    return self._record(chunk, row, DeliveryState.FAILED, f"{reason}, {row.tries}×")
                self._record(chunk, row, DeliveryState.RETRY, reason)
                return Stop.THROTTLED
            case _:
                assert_never(outcome)

    def _record(
        self,
        chunk: Chunk,
        row: Delivery,
        state: DeliveryState,
        reason: str | None = None,
        message_id: str | None = None,
    ) -> Delivery:
        self.ledger.record(
            chunk.edition,
            row.sid,
            row.attempt or "",
            state,
            self.now(),
            reason=reason,
            message_id=message_id,
        )
        log.event("digest", status=state, edition=chunk.edition, sid=row.sid, reason=reason)
        return replace(row, state=state, reason=reason)

    def _skip(self, chunk: Chunk, member: Member, reason: str, now: datetime) -> Delivery:
        return self.ledger.skip(chunk.edition, member.sid, chunk=chunk.id, reason=reason, now=now)


def _add(counts: Counts, row: Delivery, chunk_id: str) -> Counts:
    """The counts with one more row, as it stands now; ``close`` recounts from the rows."""
    if row.chunk != chunk_id:  # the chunk that wrote it accounts for it
        return replace(counts, had=counts.had + 1)
    match row.state:
        case DeliveryState.SENT:
            return replace(counts, sent=counts.sent + 1)
        case DeliveryState.FAILED:
            return replace(counts, failed=counts.failed + 1)
        case DeliveryState.SKIPPED:
            return replace(counts, skipped=counts.skipped + 1)
        case _:
            return counts
