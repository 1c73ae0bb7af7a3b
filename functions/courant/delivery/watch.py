"""What an open edition needs next, decided from its rows alone. The heartbeat does it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from courant.delivery.chunks import Chunk, ChunkState
from courant.editions.model import (
    CLOSED_PRESSINGS,
    Edition,
    EditionState,
    PressingRecord,
    PressingState,
)

# How long a nudge may take to be acted on before it is given up for lost.
PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Work:
    """What to do now. ``close`` is the state in which the edition ends."""

    recompose: tuple[PressingRecord, ...] = ()
    finish: tuple[PressingRecord, ...] = ()
    nudge: tuple[Chunk, ...] = ()
    close: EditionState | None = None


def next_work(
    edition: Edition,
    pressings: Iterable[PressingRecord],
    chunks: Iterable[Chunk],
    now: datetime,
) -> Work:
    """Nudges that were lost, pressings that are done, and whether the edition is over."""
    chunks = tuple(chunks)
    states: dict[datetime, PressingState] = {}
    recompose, finish = [], []
    for record in pressings:
        states[record.instant] = record.state
        if record.state is PressingState.WAITING and record.touched_at + PATIENCE <= now:
            recompose.append(record)
        mine = [chunk for chunk in chunks if chunk.instant == record.instant]
        if record.state is PressingState.PRESSED and all(
            chunk.state is ChunkState.DONE for chunk in mine
        ):
            finish.append(record)
            states[record.instant] = PressingState.DONE
    idle = () if edition.state is EditionState.PAUSED else tuple(_idle(chunks, now))
    over = bool(states) and all(state in CLOSED_PRESSINGS for state in states.values())
    close = _ending(states, chunks) if over and now >= edition.closes_at else None
    return Work(tuple(recompose), tuple(finish), idle, close)


def _idle(chunks: Iterable[Chunk], now: datetime) -> Iterable[Chunk]:
    for chunk in chunks:
        leased = chunk.lease_until is not None and chunk.lease_until >= now
        if chunk.state is not ChunkState.DONE and not leased and chunk.nudged_at + PATIENCE <= now:
            yield chunk


def _ending(states: Mapping[datetime, PressingState], chunks: Iterable[Chunk]) -> EditionState:
    ends = set(states.values())
    if PressingState.DONE not in ends:
        return EditionState.SKIPPED if PressingState.SKIPPED in ends else EditionState.EXPIRED
    if any(chunk.counts.unresolved for chunk in chunks):
        return EditionState.SENT_WITH_UNRESOLVED
    return EditionState.SENT
