"""What an open edition needs next, decided from its rows alone. The heartbeat does it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from courant.delivery.brake import Heard, brake
from courant.delivery.causes import TOO_OLD
from courant.delivery.chunks import Chunk, ChunkState
from courant.delivery.pace import Turn
from courant.editions.model import (
    CLOSED_PRESSINGS,
    LONGEST,
    Edition,
    EditionState,
    PressingRecord,
    PressingState,
)

# How long a nudge may take to be acted on before it is given up for lost.
PATIENCE = timedelta(minutes=2)
# Compose that began before an edition was cancelled has ended by then (its timeout is 5 minutes).
COMPOSED_BY = timedelta(minutes=10)
# How often those whose fate is not known are looked at.
WORD = timedelta(minutes=5)
# While compose opens an instant's chunks nobody walks them.
_OPENED = frozenset({PressingState.PRESSED, PressingState.DONE})
_PATH = (
    EditionState.SCHEDULED,
    EditionState.COMPOSING,
    EditionState.SENDING,
    EditionState.SETTLING,
)


@dataclass(frozen=True, slots=True)
class Work:
    """What to do now.

    ``nudge``: chunks that wait, and nobody walks. ``reopen``: chunks whose unresolved digests an
    editor wants tried again. ``halted``: why nothing can be sent (causes.py puts it in words);
    ``brake``: why nothing should be, in words. ``close``: the states to go through to its end.
    ``drop``: pressings of a cancelled edition that nobody is to compose; ``rest``: it has nothing
    left to do.
    """

    drop: tuple[PressingRecord, ...] = ()
    recompose: tuple[PressingRecord, ...] = ()
    finish: tuple[PressingRecord, ...] = ()
    nudge: tuple[Chunk, ...] = ()
    reopen: tuple[Chunk, ...] = ()
    halted: str | None = None
    brake: str | None = None
    close: tuple[EditionState, ...] = ()
    rest: bool = False


def next_work(
    edition: Edition,
    pressings: Iterable[PressingRecord],
    chunks: Iterable[Chunk],
    now: datetime,
    *,
    walkers: int = 1,
    heard: Heard | None = None,
) -> Work:
    """Nudges that were lost, pressings that are done, and whether the edition is over.

    ``walkers``: as many invocations as the account's rate keeps busy; more would wait for their
    turns, and be paid for it.
    """
    chunks = tuple(chunks)
    if edition.state is EditionState.PAUSED:
        return Work()
    if edition.state is EditionState.CANCELLED:
        return _after_cancelling(edition, tuple(pressings), chunks, now)
    reopen = tuple(chunk for chunk in chunks if _wanted_again(chunk, edition))
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
    return Work(
        recompose=tuple(recompose),
        finish=tuple(finish),
        nudge=_idle(
            (one for one in chunks if states.get(one.instant) is not PressingState.WAITING),
            _since(edition),
            now,
            walkers,
        ),
        reopen=reopen,
        halted=_halted(edition, chunks) or _too_old(edition, chunks, now),
        brake=_brake(edition, chunks, heard),
        close=() if reopen else _closing(edition, states, chunks, now),
    )


def _since(edition: Edition) -> datetime:
    """From when on nudges count: when it was paused, they came to nothing."""
    return edition.moved_at if edition.attended else edition.started_at


def _after_cancelling(
    edition: Edition,
    pressings: Iterable[PressingRecord],
    chunks: tuple[Chunk, ...],
    now: datetime,
) -> Work:
    """Its chunks are closed; of what is in flight, word is waited for."""
    waiting = [chunk for chunk in chunks if chunk.state is not ChunkState.DONE]
    begun = {chunk.instant for chunk in chunks}
    unpressed = [one for one in pressings if one.state is PressingState.WAITING]
    counting = tuple(one for one in unpressed if one.instant in begun)
    return Work(
        drop=tuple(one for one in unpressed if one.instant not in begun),
        # Compose died while it opened these; their audience is to be counted whole.
        recompose=tuple(one for one in counting if one.touched_at + PATIENCE <= now),
        nudge=_idle(waiting, edition.moved_at, now, len(waiting)),
        # Compose may have been at it, and open chunks yet.
        rest=not waiting and not counting and edition.moved_at + COMPOSED_BY <= now,
    )


def _idle(
    chunks: Iterable[Chunk], since: datetime, now: datetime, walkers: int
) -> tuple[Chunk, ...]:
    """The chunks to nudge: as many as there are walkers too few, longest waiting first."""
    waiting = [chunk for chunk in chunks if chunk.state is not ChunkState.DONE]
    busy = [chunk for chunk in waiting if _leased(chunk, now) or _nudged(chunk, since, now)]
    idle = sorted((chunk for chunk in waiting if chunk not in busy), key=lambda one: one.nudged_at)
    # Those that only wait for word have nothing to walk, and keep nobody from walking.
    settling = [
        chunk
        for chunk in idle
        if chunk.state is ChunkState.SETTLING and chunk.nudged_at + WORD <= now
    ]
    walks = [chunk for chunk in idle if chunk.state is ChunkState.OPEN]
    free = walkers - sum(chunk.state is ChunkState.OPEN for chunk in busy)
    return (*walks[: max(0, free)], *settling)


def _nudged(chunk: Chunk, since: datetime, now: datetime) -> bool:
    """Whether a nudge is on its way. One from before a pause came to nothing."""
    return chunk.nudged_at >= since and chunk.nudged_at + PATIENCE > now


def _leased(chunk: Chunk, now: datetime) -> bool:
    return chunk.lease_until is not None and chunk.lease_until >= now


def _wanted_again(chunk: Chunk, edition: Edition) -> bool:
    wanted = edition.resend_before
    if wanted is None or chunk.state is not ChunkState.DONE or not chunk.counts.unresolved:
        return False
    return chunk.resent is None or chunk.resent < wanted


def _halted(edition: Edition, chunks: Iterable[Chunk]) -> str | None:
    """Why nothing can be sent, if that came up since the edition came into its state."""
    return next((chunk.reason for chunk in chunks if is_halted(chunk, edition)), None)


def _too_old(edition: Edition, chunks: Iterable[Chunk], now: datetime) -> str | None:
    """Who left at its beginning is about to be forgotten; then it would not add up."""
    old = now - edition.started_at > LONGEST
    return TOO_OLD if old and any(one.state is ChunkState.OPEN for one in chunks) else None


def is_halted(chunk: Chunk, edition: Edition) -> bool:
    """Whether what halted a chunk still holds: no editor resumed since, no quota is waited for."""
    if chunk.state is ChunkState.DONE or chunk.halted_at is None:
        return False
    waited_for = edition.spread and chunk.reason == Turn.NO_QUOTA
    return chunk.halted_at >= edition.moved_at and not waited_for


def _brake(edition: Edition, chunks: Iterable[Chunk], heard: Heard | None) -> str | None:
    if heard is None or edition.braked or edition.state is not EditionState.SENDING:
        return None
    return brake(edition.id, sum(chunk.counts.sent for chunk in chunks), heard)


def _closing(
    edition: Edition,
    states: Mapping[datetime, PressingState],
    chunks: Iterable[Chunk],
    now: datetime,
) -> tuple[EditionState, ...]:
    chunks = tuple(chunks)
    composed = bool(states) and PressingState.WAITING not in states.values()
    walked = all(chunk.state is not ChunkState.OPEN for chunk in chunks)
    if edition.state in _PATH[:2] and _OPENED & set(states.values()):
        # Compose died, or lost a race, before it said so.
        return _on_the_way(edition, EditionState.SENDING)
    if now < edition.closes_at or not composed or not walked:
        return ()
    ends = set(states.values())
    nobody = not _OPENED & ends and not chunks
    if nobody and edition.state is not EditionState.SETTLING:
        return (EditionState.SKIPPED if PressingState.SKIPPED in ends else EditionState.EXPIRED,)
    if any(state not in CLOSED_PRESSINGS for state in ends) or any(
        chunk.state is not ChunkState.DONE for chunk in chunks
    ):
        return _on_the_way(edition, EditionState.SETTLING)
    unresolved = any(chunk.counts.unresolved for chunk in chunks)
    end = EditionState.SENT_WITH_UNRESOLVED if unresolved else EditionState.SENT
    return (*_on_the_way(edition, EditionState.SETTLING), end)


def _on_the_way(edition: Edition, to: EditionState) -> tuple[EditionState, ...]:
    """The states after an edition's own, up to another of the way that it goes."""
    return _PATH[_PATH.index(edition.state) + 1 : _PATH.index(to) + 1]
