"""Opens the chunks of a frozen pressing: who is counted at the cut, and in which key ranges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from courant import log
from courant.clock import stamp
from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts, nudge
from courant.editions.pressing import Frozen
from courant.subscribers.lists import MemberLists
from courant.subscribers.model import SHARDS


class Audience:
    """Opens the chunks of a frozen pressing."""

    def __init__(
        self,
        subscribers: MemberLists,
        chunks: ChunkStore,
        sqs: Any,
        queue: str,
        epoch: str,
    ) -> None:
        self._subscribers = subscribers
        self._chunks = chunks
        self._sqs = sqs
        self._queue = queue
        self._epoch = epoch

    def open_chunks(self, frozen: Frozen) -> int:
        """Count the members at the cut, write a chunk for each range that has any, nudge.

        The number of members. Running it twice writes the same chunks and changes none.
        """
        fresh = tuple(self._plan(frozen))
        for chunk in fresh:
            self._chunks.create(chunk)
        # What is in the table counts: a first run may have counted, and even mailed, before us.
        chunks = [
            chunk
            for chunk in self._chunks.of_edition(frozen.edition)
            if chunk.instant == frozen.instant
        ]
        nudge(self._sqs, self._queue, chunks)
        log.event("chunks", status="open", edition=frozen.edition, chunks=len(chunks))
        return sum(chunk.members for chunk in chunks)

    def _plan(self, frozen: Frozen) -> Iterable[Chunk]:
        for number, pressing in enumerate(frozen.pressings):
            for slot in pressing.slots:
                for shard in SHARDS:
                    members = self._subscribers.count(
                        frozen.edition.newsletter, slot, shard, frozen.cut_at
                    )
                    if members:
                        yield Chunk(
                            edition=frozen.edition,
                            id=f"{stamp(frozen.instant)}.{number}#{slot}#{shard}",
                            state=ChunkState.OPEN,
                            instant=frozen.instant,
                            pressing=number,
                            slot=slot,
                            range=shard,
                            cut_at=frozen.cut_at,
                            cursor="",
                            members=members,
                            counts=Counts(),
                            fence=0,
                            lease_until=None,
                            nudged_at=frozen.cut_at,
                            epoch=self._epoch,
                        )
