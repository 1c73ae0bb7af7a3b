"""How far an edition is, told from looks at its rows: rate, time left, and what to do. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from courant.editions.model import OPEN, RESTARTABLE, Edition, EditionState
from desk.edition_totals import Totals
from desk.forecast_words import length

# Chunks report a page at a time, so a rate over less jumps about.
_WINDOW = timedelta(seconds=60)
# Fewer mails tell no rate.
_FEW = 5


@dataclass(frozen=True, slots=True)
class Sight:
    """An edition as it was at one look."""

    at: datetime
    edition: Edition
    totals: Totals

    @property
    def stopped(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self.edition.state is EditionState.PAUSED or self.edition.state not in OPEN


@dataclass(slots=True)
class Progress:
    """The looks of the last minute, as far back as the edition was in the state it is in."""

    looks: deque[Sight] = field(default_factory=deque)

    def saw(self, sight: Sight) -> None:
        """Add a look; in another state than the last, the minute begins anew."""
        if self.looks and self.looks[-1].edition.state is not sight.edition.state:
            self.looks.clear()
        self.looks.append(sight)
        while sight.at - self.looks[0].at > _WINDOW:
            self.looks.popleft()

    @property
    def rate(self) -> float | None:
        """Mails a second over the last minute; None before there is anything to tell it from."""
        if not self.looks:
            return None
        first, last = self.looks[0], self.looks[-1]
        seconds = (last.at - first.at).total_seconds()
        sent = last.totals.sent - first.totals.sent
        return sent / seconds if seconds > 0 and sent >= _FEW else None

    @property
    def left(self) -> timedelta | None:
        """How long it still takes at this rate; None if nobody can say."""
        if (rate := self.rate) is None or self.looks[-1].edition.state is not EditionState.SENDING:
            return None
        return timedelta(seconds=self.looks[-1].totals.waiting / rate)


def line(progress: Progress) -> str:
    """The last look in one line: state, numbers, rate, time left."""
    edition = progress.looks[-1].edition
    said = f"{edition.id} is {edition.state.value}"
    return f"{said}: {told}" if (told := beside_bar(progress)) else said


def beside_bar(progress: Progress) -> str:
    """What a bar can't show: numbers, rate, time left; nothing before there are members."""
    totals = progress.looks[-1].totals
    if not totals.members:
        return ""
    parts = [f"{totals.members - totals.waiting:,} of {totals.members:,}", numbers(totals)]
    if (rate := progress.rate) is not None:
        parts.append(f"{rate:,.1f} a second")
    if (left := progress.left) is not None:
        parts.append(f"{length(left)} left")
    return " · ".join(parts)


def numbers(totals: Totals) -> str:
    """What became of members so far: ``1,200 sent, 1 failed, 0 unresolved``."""
    told = [
        f"{totals.sent:,} sent",
        f"{totals.failed:,} failed",
        f"{totals.unresolved:,} unresolved",
    ]
    told += [
        f"{count:,} {name}"
        for name, count in (("skipped", totals.skipped), ("cancelled", totals.cancelled))
        if count
    ]
    return ", ".join(told)


def ending(sight: Sight) -> tuple[str, ...]:
    """What is to be said once nothing more comes by itself: how it stands, why, and the mends."""
    edition, totals = sight.edition, sight.totals
    counted = f": {numbers(totals)}" if totals.members else ""
    said = [f"{edition.id} is {edition.state.value}{counted}."]
    if edition.reason:
        said.append(edition.reason)
    return (*said, *mends(edition))


def mends(edition: Edition) -> tuple[str, ...]:
    """What an editor can do about an edition that stopped, as commands."""
    if edition.state is EditionState.PAUSED:
        return (
            f"Go on:  courant editions resume {edition.id}",
            f"Or not: courant editions cancel {edition.id}",
        )
    if edition.state is EditionState.SENT_WITH_UNRESOLVED:
        return (
            "Of the unresolved nobody knows whether they arrived.",
            f"Which they are:      courant editions show {edition.id} --exceptions",
            f"Send to those again: courant editions retry-unresolved {edition.id}",
        )
    if edition.state in RESTARTABLE:
        return (f"Why it was not sent: courant editions show {edition.id}",)
    return ()
