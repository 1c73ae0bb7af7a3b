"""Closes a walked chunk: recounts from the rows and settles the digests whose fate is not known.

Strict, the default: what no answer and no SES event settled within the grace is UNRESOLVED, shown
to the editor, and not sent again. A newsletter missed once costs less than one sent twice.
"""

from datetime import datetime, timedelta

from courant import log
from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts
from courant.delivery.ledger import FINAL, Delivery, DeliveryState, Ledger

# SES events come within seconds, rarely minutes.
GRACE = timedelta(minutes=15)


def overdue(row: Delivery, now: datetime) -> bool:
    """Whether an open row has waited long enough for word: past its lease and the grace."""
    return row.state not in FINAL and row.lease + GRACE.total_seconds() < now.timestamp()


def close(chunks: ChunkStore, ledger: Ledger, chunk: Chunk, now: datetime) -> Chunk | None:
    """Settle what can be settled, recount, and release the chunk as done or still settling."""
    counts, open_rows = Counts(had=chunk.counts.had), 0
    for row in ledger.of_range(chunk.edition, chunk.range):
        if row.chunk != chunk.id:
            continue
        if overdue(row, now):
            unresolved = DeliveryState.UNRESOLVED
            if ledger.settle(chunk.edition, row, unresolved, now, row.reason or "lease ran out"):
                log.error("digest", status="unresolved", edition=chunk.edition, sid=row.sid)
                counts = _count(counts, unresolved)
                continue
        if row.state in FINAL:
            counts = _count(counts, row.state)
        else:
            open_rows += 1
    done = open_rows == 0
    if done and counts.total != chunk.members:
        log.error(
            "chunk",
            status="does not add up",
            chunk=chunk.id,
            members=chunk.members,
            accounted=counts.total,
        )
    state = ChunkState.DONE if done else ChunkState.SETTLING
    log.event("chunk", status=state, edition=chunk.edition, chunk=chunk.id, sent=counts.sent)
    return chunks.release(chunk, state, counts)


def _count(counts: Counts, state: DeliveryState) -> Counts:
    return Counts(
        sent=counts.sent + (state is DeliveryState.SENT),
        skipped=counts.skipped + (state is DeliveryState.SKIPPED),
        failed=counts.failed + (state is DeliveryState.FAILED),
        unresolved=counts.unresolved + (state is DeliveryState.UNRESOLVED),
        had=counts.had,
    )
