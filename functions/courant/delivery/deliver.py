"""Walks chunks: the members of a range, page by page, several in flight (sender.py).

A message is a nudge. Whoever has walked a chunk takes the next one that nobody has, and stops
before the invocation's deadline, gives the lease back and nudges itself. Whoever crashes leaves a
lease that runs out after its death; the heartbeat nudges then. The cursor moves over members that
are done with, in order, never past one that is not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from courant import log
from courant.clock import Clock
from courant.delivery import reconcile
from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts, nudge
from courant.delivery.gate import Gate, Stop
from courant.delivery.lanes import Lanes
from courant.delivery.ledger import FINAL, Delivery, Ledger
from courant.delivery.mailer import Mailer
from courant.delivery.sender import Halt, Result, Sender, Streaks, ends
from courant.delivery.throttle import Throttle
from courant.delivery.watch import is_halted
from courant.editions.frozen import PressingStore
from courant.editions.model import Edition, EditionState
from courant.editions.pressing import Frozen, PressingUnreadable
from courant.editions.store import EditionStore
from courant.policy import Policy
from courant.schedule import EditionId
from courant.subscribers.links import Links
from courant.subscribers.lists import MemberLists
from courant.subscribers.model import Member

# Members read at once. Whoever crashes goes over no more than these again.
PAGE = 250
# When a lease has run out its owner is dead: Lambda kills at the deadline, and this is after it.
LEASE_BEYOND_DEADLINE = timedelta(seconds=60)
# How soon whom SES throttled is tried again.
THROTTLED_FOR = 30
# When nothing of a chunk went out for so long, an editor is asked.
GIVE_UP = timedelta(days=1)


@dataclass(slots=True)
class _Visit:
    """What one invocation keeps from chunk to chunk."""

    edition: Edition
    gate: Gate
    deadline: datetime
    streaks: Streaks
    frozen: Frozen | None = None


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Everything a walk needs. Make one an invocation (see mailer.py)."""

    editions: EditionStore
    pressings: PressingStore
    subscribers: MemberLists
    ledger: Ledger
    chunks: ChunkStore
    mailer: Mailer
    throttle: Throttle
    lanes: Lanes
    links: Links
    sqs: Any
    queue: str
    epoch: str
    now: Clock
    new_id: Callable[[], str] = lambda: secrets.token_hex(8)

    def deliver(self, edition_id: EditionId, chunk_id: str, deadline: datetime) -> str:
        """Walk a chunk, and others that nobody walks, as far as the deadline lets.

        What it came to, for the log.
        """
        asked_at = self.now()
        edition = self.editions.get(edition_id)
        if edition is None:
            return "no edition"
        gate = Gate(self.editions, edition, self.epoch, deadline, self.now, read_at=asked_at)
        cancelled = edition.state is EditionState.CANCELLED  # then what is left is closed
        chunks = () if cancelled else self.chunks.of_edition(edition.id)
        if any(is_halted(chunk, edition) for chunk in chunks):
            # The heartbeat will pause the edition. What halted one chunk would halt this one, or,
            # if SES refuses everybody, fail twenty more.
            return "halted"
        visit = _Visit(edition, gate, deadline, Streaks())
        came_to = self._visit(visit, chunk_id)
        while came_to == "walked" and (following := self._unwalked(visit)):
            onward = self._visit(visit, following.id)
            # Somebody was faster: there may be others.
            came_to = "walked" if onward == "not ours" else onward
        return came_to

    def _visit(self, visit: _Visit, chunk_id: str) -> str:
        edition, gate = visit.edition, visit.gate
        lease = visit.deadline + LEASE_BEYOND_DEADLINE
        chunk = self.chunks.take(edition.id, chunk_id, lease, self.now())
        if chunk is None:
            return "not ours"
        if chunk.epoch != self.epoch:
            log.error("chunk", status="refused", chunk=chunk_id, epoch=chunk.epoch)
            self.chunks.release(chunk, chunk.state, chunk.counts, "another epoch")
            return "another epoch"
        if edition.state is EditionState.CANCELLED:
            return self._close(chunk, edition)
        if stop := gate.stop():
            return self._leave(chunk, stop)
        if self._too_late(chunk, edition):
            return self._halt(chunk, "too late")
        try:
            if visit.frozen is None or visit.frozen.instant != chunk.instant:
                visit.frozen = self.pressings.get(edition.id, chunk.instant)
        except PressingUnreadable as error:
            # Another Courant froze it. Nobody can tell what it held.
            return self._halt(chunk, f"unreadable pressing: {error}")
        if visit.frozen is None:
            return self._halt(chunk, "no pressing")
        sender = Sender(
            chunk=chunk,
            pressing=visit.frozen.pressings[chunk.pressing],
            gate=gate,
            throttle=self.throttle,
            ledger=self.ledger,
            mailer=self.mailer,
            links=self.links,
            lease=lease,
            now=self.now,
            streaks=visit.streaks,
            auto=edition.policy is Policy.AUTO,
            new_id=self.new_id,
        )
        if chunk.state is ChunkState.SETTLING:
            return self._settle(chunk, edition, sender)
        return self._walk(chunk, edition, sender)

    def _unwalked(self, visit: _Visit) -> Chunk | None:
        """A chunk of the same instant (compose may be at another) that nobody has."""
        now = self.now()
        if visit.frozen is None:
            return None
        free = [
            chunk
            for chunk in self.chunks.of_edition(visit.edition.id)
            if chunk.state is ChunkState.OPEN
            and chunk.instant == visit.frozen.instant
            and not (chunk.lease_until is not None and chunk.lease_until >= now)
            and not chunk.halted_at
        ]
        # Any of them: all who look at once would want the first.
        return free[int(self.new_id(), 16) % len(free)] if free else None

    def _too_late(self, chunk: Chunk, edition: Edition) -> bool:
        """Whether the instant's first mail would go out later than anyone wants, unattended."""
        late = chunk.starts_by is not None and self.now() > chunk.starts_by
        if chunk.begun_at is not None or not late or edition.may_be_late:
            return False
        others = self.chunks.of_edition(edition.id)
        return all(one.begun_at is None for one in others if one.instant == chunk.instant)

    def _walk(self, chunk: Chunk, edition: Edition, sender: Sender) -> str:
        while True:
            read_at = self.now()
            page = self.subscribers.page(
                chunk.edition.newsletter,
                chunk.slot,
                chunk.range,
                chunk.cut_at,
                after=chunk.cursor,
                limit=PAGE,
            )
            results = self._send(sender, page.members, read_at)
            counts, cursor, end = _finished(chunk, page.members, results)
            if end is None and page.cursor is not None:
                cursor = page.cursor
            advanced = self.chunks.advance(chunk, cursor, counts, self.now())
            if advanced is None:
                return "lease lost"
            if end is Stop.STALE and advanced.cursor == chunk.cursor:
                end = Stop.THROTTLED  # nobody got a turn while the page was fresh
            chunk = advanced
            log.event("page", chunk=chunk.id, edition=chunk.edition, sent=counts.sent)
            if isinstance(end, Halt):
                return self._halt(chunk, end.reason)
            if end is Stop.STALE or (end is None and page.cursor is not None):
                end = sender.gate.stop()
                if end is None:
                    continue
            if end is not None:
                return self._leave(chunk, end)
            return self._close(chunk, edition)

    def _settle(self, chunk: Chunk, edition: Edition, sender: Sender) -> str:
        """The second pass: over who is behind the cursor and to be tried (again)."""
        found = reconcile.settle(self.ledger, chunk, edition, self.now())
        if not found.again:
            return self._done(chunk, edition, found)
        waiting = iter(found.again)
        while rows := list(islice(waiting, PAGE)):
            read_at = self.now()
            members = [
                self.subscribers.member(chunk.edition.newsletter, chunk.slot, row.sid)
                or Member(sid=row.sid, email=None, active_from=chunk.cut_at)
                for row in reconcile.free(self.ledger, edition, rows, self.now())
            ]
            results = self._send(sender, members, read_at)
            end = next((result for result in results if _ends(result)), None)
            if isinstance(end, Halt):
                return self._halt(chunk, end.reason)
            if isinstance(end, Stop):
                return self._leave(chunk, Stop.DEADLINE if end is Stop.STALE else end)
        return self._close(chunk, edition)

    def _send(
        self, sender: Sender, members: Sequence[Member], read_at: datetime
    ) -> list[Result | None]:
        return self.lanes.run(lambda member: sender.send(member, read_at), members, ends=ends)

    def _close(self, chunk: Chunk, edition: Edition) -> str:
        """Recount a chunk from its rows: that a walk adds up does not say that all is known."""
        found = reconcile.settle(self.ledger, chunk, edition, self.now())
        return self._done(chunk, edition, found)

    def _done(self, chunk: Chunk, edition: Edition, found: reconcile.Found) -> str:
        """Release a chunk that was walked: done, or with some whose fate is not known yet."""
        counts = found.counts
        if edition.state is EditionState.CANCELLED and not found.waiting:
            counts = replace(counts, cancelled=max(0, chunk.members - counts.total))
        state = ChunkState.SETTLING if found.waiting or found.again else ChunkState.DONE
        if state is ChunkState.DONE and counts.total != chunk.members:
            log.error(
                "chunk",
                status="does not add up",
                chunk=chunk.id,
                members=chunk.members,
                accounted=counts.total,
            )
        log.event("chunk", status=state, edition=chunk.edition, chunk=chunk.id, sent=counts.sent)
        self.chunks.release(chunk, state, counts)
        return "walked"

    def _halt(self, chunk: Chunk, reason: str) -> str:
        log.error("chunk", status="halted", edition=chunk.edition, chunk=chunk.id, reason=reason)
        self.chunks.halt(chunk, reason, self.now())
        return "halted"

    def _leave(self, chunk: Chunk, stop: Stop) -> str:
        now = self.now()
        throttled = stop is Stop.THROTTLED
        if throttled and chunk.stuck_since is not None and now - chunk.stuck_since > GIVE_UP:
            return self._halt(chunk, "throttled")
        if stop is Stop.NOT_SENDING:
            self.chunks.release(chunk, chunk.state, chunk.counts, stop.value)
            return stop.value
        if self.chunks.leave(chunk, stop.value, now, stuck=throttled) is not None:
            nudge(self.sqs, self.queue, [chunk], delay=THROTTLED_FOR if throttled else 0)
        return stop.value


def _ends(result: Result | None) -> bool:
    return result is not None and ends(result)


def _finished(
    chunk: Chunk, members: Sequence[Member], results: Sequence[Result | None]
) -> tuple[Counts, str, Stop | Halt | None]:
    """Counts and cursor over the first members that are done with, and what ended the page."""
    counts, cursor = chunk.counts, chunk.cursor
    for member, result in zip(members, results, strict=True):
        if not isinstance(result, Delivery):
            break
        counts, cursor = _add(counts, result, chunk.id), member.sid
    ended = [result for result in results if isinstance(result, (Stop, Halt))]
    # Several lanes may end a page for several reasons; the gravest counts.
    first = ended[0] if ended else None
    return counts, cursor, next((one for one in ended if isinstance(one, Halt)), first)


def _add(counts: Counts, row: Delivery, chunk_id: str) -> Counts:
    """The counts with one more row, as it stands now; closing recounts from the rows."""
    if row.chunk != chunk_id:  # the chunk that wrote it accounts for it
        return replace(counts, had=counts.had + 1)
    return reconcile.count(counts, row.state) if row.state in FINAL else counts
