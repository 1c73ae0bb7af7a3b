"""Looks at an edition until nothing more comes of it by itself; Ctrl-C ends only the looking."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import BarColumn, Progress, TextColumn

from courant import clock
from courant.delivery.chunks import ChunkStore
from courant.editions.model import Edition, EditionState
from courant.editions.store import EditionStore
from courant.errors import NotFound
from courant.schedule import EditionId
from desk import edition_progress
from desk.commands import terminal
from desk.commands.terminal import Exit
from desk.deployment import Deployment
from desk.edition_progress import Sight
from desk.edition_totals import Totals

# Seconds between two looks at a bar, and between two lines where there is no terminal for one.
_BAR, _LINE = 2.0, 30.0
# Seconds after which a pause has stopped everyone.
_HEARD_WITHIN = 5.0
# A look may fail this often in a row before the watching does; the edition goes on anyway.
_FAILURES = 10

_BY_HAND = frozenset({EditionState.PAUSED, EditionState.CANCELLED})
_ENDS = {
    EditionState.SENT: Exit.OK,
    EditionState.SKIPPED: Exit.OK,  # there was nothing new: nothing to send is no failure
    EditionState.SENT_WITH_UNRESOLVED: Exit.PARTLY,
    EditionState.PAUSED: Exit.PARTLY,
    EditionState.CANCELLED: Exit.FAILED,
    EditionState.EXPIRED: Exit.FAILED,
}


@dataclass(frozen=True, slots=True)
class Watched:
    """How it stood at the last look. ``left``: they pressed Ctrl-C before it stopped by itself."""

    sight: Sight
    left: bool

    @property
    def exit(self) -> Exit:
        """What the shell gets: who stops looking has done nothing wrong."""
        return Exit.OK if self.left else _ENDS[self.sight.edition.state]


def present(deployed: Deployment, edition_id: EditionId) -> Edition:
    """An edition's row.

    Raises:
        NotFound: there is none.
    """
    found = EditionStore(deployed.content).get(edition_id)
    if found is None:
        raise NotFound(
            f"there is no edition {edition_id}; 'courant editions list {edition_id.newsletter}' "
            "shows those there are"
        )
    return found


def look(deployed: Deployment, edition_id: EditionId) -> Sight:
    """An edition as it is now.

    Raises:
        NotFound: there is none.
    """
    edition = present(deployed, edition_id)
    totals = Totals.of(ChunkStore(deployed.ledger).of_edition(edition_id))
    return Sight(clock.now(), edition, totals)


def watch(deployed: Deployment, edition_id: EditionId, *, quiet: bool = False) -> Watched:
    """Show an edition on stderr until it stops or they press Ctrl-C, and say which.

    On a terminal a bar that moves; elsewhere a line when something changed. ``quiet``: no lines.

    Raises:
        NotFound: there is no such edition.
    """
    sight = look(deployed, edition_id)
    left = False
    progress = edition_progress.Progress()
    with _Bar() as bar:
        show = bar.show if bar.is_shown else _Lines(quiet=quiet).show
        try:
            while True:
                progress.saw(sight)
                show(progress)
                if sight.stopped:
                    break
                sleep(_BAR)
                sight = _look_again(deployed, edition_id)
                if sight.edition.state in _BY_HAND:
                    # Who sends hears of it within seconds, and counts what went out until then.
                    sleep(_HEARD_WITHIN)
                    sight = _look_again(deployed, edition_id)
        except KeyboardInterrupt:
            left = True
    if left:
        terminal.note(
            f"\nYou stopped looking; {edition_id} goes on by itself.\n"
            f"Look again: courant editions watch {edition_id}\n"
            f"Stop it:    courant editions pause {edition_id}"
        )
    return Watched(sight, left)


def tell(watched: Watched, *, as_json: bool, more: dict[str, Any]) -> None:
    """Say on stdout how it stood at the end; in JSON beside what else is to be told."""
    sight = watched.sight
    if as_json:
        state = {"edition": str(sight.edition.id), "state": sight.edition.state}
        reason = {"reason": sight.edition.reason, "stopped": sight.stopped}
        terminal.show(more | state | reason | sight.totals.as_json())
    elif not watched.left:
        for sentence in edition_progress.ending(sight):
            terminal.say(sentence)


def _look_again(deployed: Deployment, edition_id: EditionId) -> Sight:
    for failures in range(_FAILURES + 1):
        try:
            return look(deployed, edition_id)
        except (BotoCoreError, ClientError):
            if failures == _FAILURES:
                raise
            sleep(_BAR)
    raise AssertionError  # the last round returns or raises


class _Bar:
    """The bar of a terminal."""

    def __init__(self) -> None:
        console = terminal.console(stderr=True)
        self.is_shown = console.is_terminal
        self._rich = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            console=console,
            transient=True,
            disable=not self.is_shown,
        )
        self._task = self._rich.add_task("", total=None, told="")

    def __enter__(self) -> _Bar:
        self._rich.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._rich.stop()

    def show(self, progress: edition_progress.Progress) -> None:
        """Draw the last look."""
        sight = progress.looks[-1]
        totals = sight.totals
        self._rich.update(
            self._task,
            description=f"{sight.edition.id} {sight.edition.state.value}",
            total=totals.members or None,
            completed=totals.members - totals.waiting,
            told=edition_progress.beside_bar(progress),
        )


class _Lines:
    """A line when something changed, now and then."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._said, self._said_at = "", -_LINE

    def show(self, progress: edition_progress.Progress) -> None:
        """Say the last look, unless that was just said."""
        sight = progress.looks[-1]
        now, told = monotonic(), edition_progress.line(progress)
        if self._quiet or sight.stopped or told == self._said or now < self._said_at + _LINE:
            return
        terminal.note(told)
        self._said, self._said_at = told, now
