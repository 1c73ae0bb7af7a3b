"""When a heartbeat will next find something to do, by the rows: those between may be missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from courant.delivery import reconcile, watch
from courant.delivery.chunks import ChunkState, ChunkStore
from courant.editions.model import OPEN, Edition, EditionState, PressingState
from courant.editions.store import EditionStore
from courant.newsletter import Policy
from tests.simulation.table import MemoryTable


def first_need(
    editions: Sequence[Edition],
    content: MemoryTable,
    ledger: MemoryTable,
    now: datetime,
    *,
    care: datetime,
) -> datetime | None:
    """The first instant at which an edition may need a beat; None: none does.

    ``care``: from when on the editor looks after what paused.
    """
    needs: list[datetime] = []
    for edition in editions:
        if edition.state in OPEN or edition.state is EditionState.CANCELLED:
            needs += _needs(edition, content, ledger, now, care)
    return min(needs, default=None)


def _needs(
    edition: Edition, content: MemoryTable, ledger: MemoryTable, now: datetime, care: datetime
) -> list[datetime]:
    if edition.state is EditionState.PAUSED:
        return [max(now, care)]
    needs = [
        record.touched_at + watch.PATIENCE
        for record in EditionStore(content).pressings(edition.id)  # type: ignore[arg-type]  # as much of a Table as stores use
        if record.state is PressingState.WAITING
    ]
    chunks = ChunkStore(ledger).of_edition(edition.id)  # type: ignore[arg-type]  # as much of a Table as stores use
    for chunk in chunks:
        if chunk.state is ChunkState.DONE:
            continue
        need = chunk.nudged_at + watch.PATIENCE
        if chunk.lease_until is not None:
            need = max(need, chunk.lease_until)
        if chunk.state is ChunkState.SETTLING:
            need = max(chunk.nudged_at + watch.WORD, _settles(edition, chunk.id, ledger))
        needs.append(need)
    if not needs:
        marks = [edition.closes_at]
        if edition.state is EditionState.CANCELLED:
            marks.append(edition.moved_at + watch.COMPOSED_BY)
        needs = [mark for mark in marks if mark > now]
    return needs or [now]


def _settles(edition: Edition, chunk: str, ledger: MemoryTable) -> datetime:
    """When the first digest of a chunk has waited long enough for word."""
    grace = reconcile.AUTO_GRACE if edition.policy is Policy.AUTO else reconcile.GRACE
    prefix = f"D#{edition.id}#"
    waiting = [
        datetime.fromtimestamp(int(row["lease"]), UTC) + grace
        for key, partition in ledger.partitions.items()
        if key.startswith(prefix)
        for row in partition.values()
        if row["chunk"] == chunk and row["st"] in {"claimed", "unknown"}
    ]
    return min(waiting, default=edition.started_at)
