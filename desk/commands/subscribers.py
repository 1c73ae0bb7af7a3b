"""``courant subscribers``: a newsroom's list comes in and goes out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from courant import clock
from courant.errors import ConfigurationError
from courant.subscribers import changes, roster
from courant.subscribers.address import AddressKey
from courant.subscribers.model import Joining, Signup
from courant.subscribers.roster import Imported, Row
from courant.subscribers.store import AT_ONCE, SubscriberStore
from desk import deployment, roster_file
from desk.commands import terminal
from desk.commands.terminal import AsJson, Exit, StackName

IMPORT_EXAMPLES = terminal.epilog(
    "courant subscribers import readers.csv --newsletter morning --dry-run",
    "courant subscribers import readers.csv --newsletter morning --cadence weekly",
    more="The first line names the columns. Only email is needed; name, cadence, timezone, "
    "time, sections, limit (stories of a section), locale, format and status are read where "
    "they are. A bad row is "
    "reported with its line and the rest is kept. Nobody who unsubscribed or bounced "
    "comes back this way, so importing twice is harmless.",
)
EXPORT_EXAMPLES = terminal.epilog(
    "courant subscribers export --newsletter morning --out readers.csv",
    "courant subscribers export --newsletter morning | wc -l",
)
NewsletterId = Annotated[
    str,
    typer.Option(
        "--newsletter", "-n", metavar="ID", help="Which; not needed if there is only one."
    ),
]


def import_(
    file: Annotated[
        Path,
        typer.Argument(help="A CSV file; its first line names the columns.", metavar="FILE.csv"),
    ],
    newsletter: NewsletterId = "",
    *,
    cadence: Annotated[
        str,
        typer.Option(metavar="NAME", help="For rows that name none; else the newsletter's first."),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")
    ] = False,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """Subscribe the people of a CSV file to a newsletter."""
    found = roster_file.read(file)
    deployed = deployment.find(stack)
    wanted = deployed.newsletter(newsletter)
    if cadence and cadence not in wanted.cadences:
        raise ConfigurationError(
            f"--cadence: {wanted.id} has {', '.join(wanted.cadences)}, not {cadence!r}"
        )
    for warning in found.warnings:
        terminal.note(f"{file}: {warning}", style="yellow")
    store = (_Rehearsal if dry_run else SubscriberStore)(deployed.subscribers)
    with terminal.progress() as bar:
        imported = roster.import_rows(
            bar.track(
                _with_cadence(found.rows, cadence), total=len(found.rows), description="Rows"
            ),
            wanted,
            clock.now,
            store,
            deployed.address_key(),
            roster_file.address,
            f"import:{file.name}",
        )
    refused = tuple(sorted((*found.broken, *imported.refused)))
    for line, reason in refused:
        terminal.note(f"{file}:{line}: {reason}", style="red")
    if as_json:
        terminal.show(_imported_json(wanted.id, file, imported, refused, dry_run=dry_run))
    else:
        would = "would be " if dry_run else ""
        terminal.say(
            f"{imported.added} {would}added to {wanted.id}, {imported.already} subscribed already, "
            f"{len(refused)} refused"
        )
    if refused:
        raise typer.Exit(Exit.PARTLY)


def export(
    newsletter: NewsletterId = "",
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write here instead of stdout.", dir_okay=False),
    ] = None,
    stack: StackName = "courant",
) -> None:
    """Write a newsletter's subscribers as CSV, in the columns that import reads."""
    deployed = deployment.find(stack)
    wanted = deployed.newsletter(newsletter)
    with terminal.progress() as bar:
        rows = bar.track(
            roster.export(SubscriberStore(deployed.subscribers), wanted, clock.now()),
            description="Subscribers",
        )
        count = _write(roster_file.write(rows), out)
    terminal.note(f"{count} subscribers of {wanted.id}" + (f" in {out}" if out else ""))


class _Rehearsal(SubscriberStore):
    """Answers a sign-up as the store would, and writes nothing."""

    def subscribe_all(
        self, signups: Sequence[Signup], now: datetime, key: AddressKey, *, returning: bool = False
    ) -> tuple[Joining, ...]:
        del now
        answers: list[Joining] = []
        for start in range(0, len(signups), AT_ONCE):
            batch = signups[start : start + AT_ONCE]
            known, barred = self._look_up([key.digest(one.email) for one in batch])
            answers += (self._answer(one, key, known, barred, returning=returning) for one in batch)
        return tuple(answers)

    def _answer(
        self,
        signup: Signup,
        key: AddressKey,
        known: set[str],
        barred: set[str],
        *,
        returning: bool,
    ) -> Joining:
        digest = key.digest(signup.email)
        if digest in barred:
            return Joining.SUPPRESSED
        sid = self.find(signup.email, key) if digest in known else None
        profile = self.profile(sid) if sid else None
        return changes.may_join(profile, signup, returning=returning) if profile else Joining.ADDED


def _with_cadence(rows: Iterable[Row], cadence: str) -> Iterator[Row]:
    for row in rows:
        named = row.cells.get("cadence", "").strip() or cadence
        yield Row(row.line, {**row.cells, "cadence": named})


def _write(lines: Iterable[str], out: Path | None) -> int:
    """How many lines, not counting the header."""
    if out is None:
        return sum(1 for line in lines if sys.stdout.write(line)) - 1
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            return sum(1 for line in lines if file.write(line)) - 1
    except OSError as error:
        raise ConfigurationError(f"{out}: {error.strerror or error}") from error


def _imported_json(
    newsletter: str,
    file: Path,
    imported: Imported,
    refused: Sequence[tuple[int, str]],
    *,
    dry_run: bool,
) -> dict[str, Any]:
    return {
        "newsletter": newsletter,
        "file": str(file),
        "dry_run": dry_run,
        "added": imported.added,
        "already": imported.already,
        "refused": [{"line": line, "reason": reason} for line, reason in refused],
    }
