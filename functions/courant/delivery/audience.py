"""Opens the chunks of a frozen pressing: who is counted at the cut, and in which key ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from courant import log
from courant.clock import Clock, stamp
from courant.delivery import allowance, plan
from courant.delivery.account import AccountReader
from courant.delivery.allowance import Account
from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts, nudge
from courant.delivery.grants import Grants
from courant.delivery.pace import unlooked
from courant.editions.model import Edition, EditionState, Opened
from courant.editions.pressing import Frozen
from courant.editions.store import EditionStore
from courant.subscribers.lists import MemberLists
from courant.subscribers.model import SHARDS

# Between a reader's instant and its write lie milliseconds, and between two clocks of AWS as few.
LANDED = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Audience:
    """Opens the chunks of a frozen pressing."""

    subscribers: MemberLists
    editions: EditionStore
    chunks: ChunkStore
    account: AccountReader
    grants: Grants
    sqs: Any
    queue: str
    epoch: str
    now: Clock
    sleep: Callable[[float], None]

    def open_chunks(self, frozen: Frozen, edition: Edition, starts_by: datetime | None) -> Opened:
        """Count the members at the cut, and write a chunk for each range that has any.

        Nobody is mailed before ``wake``. Running it twice writes the same chunks and changes none.
        """
        self._let_writes_land(frozen.cut_at)
        account = self._look(self.now())
        pace = self.grants.current() or unlooked(frozen.cut_at)
        for chunk in self._plan(frozen, pace.limit, starts_by):
            self.chunks.create(chunk)
        # What is in the table counts: a first run may have counted, and even mailed, before us.
        chunks = [
            chunk
            for chunk in self.chunks.of_edition(frozen.edition)
            if chunk.instant == frozen.instant
        ]
        log.event("chunks", status="open", edition=frozen.edition, chunks=len(chunks))
        first = chunks[: plan.walkers(pace.limit)]
        return Opened(
            members=sum(chunk.members for chunk in chunks),
            refusal=self._refusal(chunks, edition, account),
            wake=lambda: nudge(self.sqs, self.queue, first),
        )

    def _let_writes_land(self, cut_at: datetime) -> None:
        """Wait until whoever joined before the cut, or left after it, is sure to be in the table.

        Their instants are of other clocks, and are taken before they are written: counted too
        early, somebody would be in the count and not in the walk, or the other way round.
        """
        left = (cut_at + LANDED - self.now()).total_seconds()
        if left > 0:
            self.sleep(left)

    def _look(self, now: datetime) -> Account | None:
        try:
            account = self.account.read()
        except (BotoCoreError, ClientError):
            # Nobody is to wait for this: the pace is what was seen last, or the slowest.
            log.error("account", status="unreadable")
            return None
        self.grants.look(account, now)
        return account

    def _refusal(
        self, chunks: Iterable[Chunk], edition: Edition, account: Account | None
    ) -> str | None:
        if account is None:
            return None
        return allowance.refusal(
            _to_send(chunks),
            account,
            spread=edition.spread,
            attended=edition.attended,
            promised=sum(
                _to_send(self.chunks.of_edition(other.id))
                for other in self.editions.open()
                if other.id != edition.id
                and other.epoch == self.epoch
                and other.state is not EditionState.CANCELLED
            ),
        )

    def _plan(self, frozen: Frozen, rate: float, starts_by: datetime | None) -> Iterable[Chunk]:
        newsletter, cut_at = frozen.edition.newsletter, frozen.cut_at
        slots = [
            (number, slot)
            for number, pressing in enumerate(frozen.pressings)
            for slot in pressing.slots
        ]
        # A shard is a sixteenth of everybody.
        first = {slot: self.subscribers.count(newsletter, slot, "0", cut_at) for _, slot in slots}
        members = max(first.values(), default=0) * len(SHARDS)
        parts = self.chunks.agree(frozen.edition, frozen.instant, plan.parts(members, rate), cut_at)
        there = {chunk.id for chunk in self.chunks.of_edition(frozen.edition)}
        for number, slot in slots:
            for range_ in (range_ for shard in SHARDS for range_ in plan.ranges(shard, parts)):
                id_ = f"{stamp(frozen.instant)}.{number}#{slot}#{range_}"
                if id_ in there:
                    continue  # a first run counted it
                if range_ == "0":
                    count = first[slot]
                else:
                    count = self.subscribers.count(newsletter, slot, range_, cut_at)
                if count:
                    yield Chunk(
                        edition=frozen.edition,
                        id=id_,
                        state=ChunkState.OPEN,
                        instant=frozen.instant,
                        pressing=number,
                        slot=slot,
                        range=range_,
                        cut_at=cut_at,
                        cursor="",
                        members=count,
                        counts=Counts(),
                        fence=0,
                        lease_until=None,
                        nudged_at=cut_at,
                        epoch=self.epoch,
                        starts_by=starts_by,
                    )


def _to_send(chunks: Iterable[Chunk]) -> int:
    return sum(chunk.members - chunk.counts.total for chunk in chunks)
