"""An editor's hand on an edition: what may be done to it now, and what is then so. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from courant.editions.model import LONGEST, OPEN, RESTARTABLE, Edition, EditionState

# Begins the reason of an editor's own pause, so that whoever resumes knows it from others.
_BY_HAND = "by hand"


class Act(StrEnum):
    """What an editor can do to an edition that was started."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY_UNRESOLVED = "retry-unresolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of state to make, with reason and marks; ``says`` is so once it is made."""

    after: EditionState
    says: str
    reason: str | None = None
    attended: bool | None = None
    spread: bool | None = None
    resend_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Already:
    """Nothing to do: it is so already."""

    says: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It can't be done to an edition in this state."""

    says: str


def paused_by_hand(edition: Edition) -> bool:
    """Whether an editor paused it, and not something that went wrong."""
    return edition.state is EditionState.PAUSED and (edition.reason or "").startswith(_BY_HAND)


def step(
    act: Act,
    edition: Edition,
    now: datetime,
    *,
    epoch: str,
    reason: str | None = None,
    spread: bool = False,
) -> Step | Already | Refused:
    """What an act does to an edition as it stands.

    ``epoch`` is the stack's: an edition of another is never sent. ``reason`` is the editor's.
    ``spread`` goes with ``resume``: a daily quota that is too small may spread it over days.
    """
    decided = _decide(act, edition, now, epoch=epoch, spread=spread)
    if not isinstance(decided, Step):
        return decided
    if act is Act.PAUSE:
        return replace(decided, reason=f"{_BY_HAND}: {reason}" if reason else _BY_HAND)
    return replace(decided, reason=reason)


def _decide(
    act: Act, edition: Edition, now: datetime, *, epoch: str, spread: bool
) -> Step | Already | Refused:
    if act is Act.PAUSE:
        return _pause(edition)
    if act is Act.CANCEL:
        return _cancel(edition)
    if edition.epoch != epoch:
        return Refused(
            f"{edition.id} was started before this stack was restored (epoch {edition.epoch}, now "
            f"{epoch}), so what it sent since is not known and it is never sent on; send an extra "
            "edition instead"
        )
    if act is Act.RESUME:
        return _resume(edition, now, spread=spread)
    return _retry(edition, now)


def _pause(edition: Edition) -> Step | Already | Refused:
    if edition.state is EditionState.PAUSED:
        return Already(f"{edition.id} is paused already, {_since(edition)}")
    if edition.state not in OPEN:
        return _over(edition, "pause")
    return Step(
        after=EditionState.PAUSED,
        says=f"{edition.id} is paused: within seconds no more of its mails go out; those that SES "
        "has already still arrive",
    )


def _resume(edition: Edition, now: datetime, *, spread: bool) -> Step | Already | Refused:
    if edition.state is EditionState.PAUSED and now - edition.started_at > LONGEST:
        return Refused(
            f"{edition.id} was started on {edition.started_at:%Y-%m-%d}: who left meanwhile is no "
            "longer known, so it can only be cancelled; send an extra edition instead"
        )
    if edition.state is EditionState.PAUSED:
        days = ", over as many days as the daily quota takes" if spread else ""
        return Step(
            after=EditionState.SENDING,
            says=f"{edition.id} goes on{days}; who has it already does not get it again",
            attended=True,  # somebody wants it sent although it is late
            spread=True if spread else None,
        )
    if edition.state in OPEN:
        return Already(f"{edition.id} is not paused: it is {edition.state.value} {_since(edition)}")
    return _over(edition, "resume")


def _cancel(edition: Edition) -> Step | Already | Refused:
    if edition.state is EditionState.CANCELLED:
        return Already(f"{edition.id} is cancelled already, {_since(edition)}")
    if edition.state not in OPEN:
        return _over(edition, "cancel")
    return Step(
        after=EditionState.CANCELLED,
        says=f"{edition.id} is cancelled: who does not have it yet does not get it",
    )


def _retry(edition: Edition, now: datetime) -> Step | Already | Refused:
    if edition.state in OPEN:
        return Refused(
            f"{edition.id} is {edition.state.value}: what is unresolved is known when it is over"
        )
    if edition.state is not EditionState.SENT_WITH_UNRESOLVED:
        return Refused(f"{edition.id} is {edition.state.value}: nothing of it is unresolved")
    if now - edition.started_at > LONGEST:
        return Refused(
            f"{edition.id} was started {edition.started_at:%Y-%m-%d}, over {LONGEST.days} "
            "days ago; what is that old is not sent again"
        )
    return Step(
        after=EditionState.SENDING,
        says=f"the unresolved digests of {edition.id} are tried once more",
        attended=True,
        resend_before=now,
    )


def _over(edition: Edition, verb: str) -> Refused:
    ended = f"{edition.id} is {edition.state.value} {_since(edition)}"
    if edition.state in RESTARTABLE:
        return Refused(f"{ended}: nobody was mailed, so there is nothing to {verb}")
    return Refused(f"{ended}: it is over, so there is nothing to {verb}")


def _since(edition: Edition) -> str:
    why = f" ({edition.reason})" if edition.reason else ""
    return f"since {edition.moved_at:%Y-%m-%d %H:%M} UTC{why}"
