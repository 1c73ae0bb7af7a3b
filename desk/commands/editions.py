"""``courant editions list`` and ``show``: what was sent, what became of each member, why not."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from courant.delivery.chunks import ChunkStore
from courant.delivery.heard import HeardStore
from courant.delivery.ledger import Ledger
from courant.editions.model import Edition
from courant.editions.store import EditionStore
from courant.errors import ConfigurationError
from courant.newsletters import NewsletterStore
from courant.schedule import EditionId
from desk import deployment, edition_report, edition_totals, watch_edition
from desk.commands import terminal
from desk.commands.terminal import AsJson, StackName
from desk.edition_report import Report
from desk.edition_totals import Totals

LIST_EXAMPLES = terminal.epilog(
    "courant editions list",
    "courant editions list morning --limit 30 --json",
)
SHOW_EXAMPLES = terminal.epilog(
    "courant editions show morning/daily/2026-11-22",
    "courant editions show morning/daily/2026-11-22+budget-day --json",
    "courant editions show morning/daily/2026-11-22 --exceptions",
    more="Every member counted when the edition was cut is sent, skipped, failed, unresolved or "
    "cancelled in the end, or had the edition already through another slot; the table adds them "
    "up. Exceptions are listed by subscriber id; 'courant subscribers show ID' tells of a person.",
)
Id = Annotated[
    str, typer.Argument(help="newsletter/cadence/YYYY-MM-DD, and +name if extra.", metavar="ID")
]


def list_(
    newsletter: Annotated[
        str, typer.Argument(help="A newsletter's id; all if left out.", metavar="NEWSLETTER")
    ] = "",
    *,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=100, help="The latest, a newsletter.")
    ] = 10,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """The latest editions, newest first."""
    deployed = deployment.find(stack)
    editions, chunks = EditionStore(deployed.content), ChunkStore(deployed.ledger)
    applied = NewsletterStore(deployed.content)
    ids = [newsletter] if newsletter else [one.id for one in applied.all()]
    found = [edition for id_ in ids for edition in editions.of_newsletter(id_, limit)]
    if newsletter and not found:
        deployed.newsletter(newsletter)
    found.sort(key=lambda edition: (edition.id.date, edition.started_at), reverse=True)
    with terminal.progress() as bar:
        rows = [
            (edition, Totals.of(chunks.of_edition(edition.id)))
            for edition in bar.track(found, description="Editions")
        ]
    if as_json:
        terminal.show([edition_report.head(edition) | totals.as_json() for edition, totals in rows])
    elif not rows:
        terminal.say("No edition yet.")
    else:
        terminal.table(
            ("edition", "state", "started (UTC)", "by", "members", "sent", "other", "waiting"),
            (_row(edition, totals) for edition, totals in rows),
            numbers=4,
        )


def show(
    edition: Id,
    *,
    exceptions: Annotated[
        bool, typer.Option("--exceptions", help="List every digest that did not simply arrive.")
    ] = False,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """One edition whole: its pressings, what became of every member, and who did what."""
    deployed = deployment.find(stack)
    report = _report(deployed, parsed(edition), with_bad_news=exceptions)
    if as_json:
        terminal.show(edition_report.as_json(report, exceptions=exceptions))
        return
    for block in edition_report.blocks(report, exceptions=exceptions):
        terminal.say(block.title, "bold")
        for line in block.lines:
            terminal.say(line)
        if block.rows:
            terminal.table(block.columns, block.rows, numbers=block.numbers)
        terminal.say()


def parsed(text: str) -> EditionId:
    """An edition's id, as it was typed.

    Raises:
        ConfigurationError: it is none; says how to write one.
    """
    try:
        return EditionId.parse(text)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _row(edition: Edition, totals: Totals) -> tuple[str, ...]:
    return (
        str(edition.id),
        edition.state.value,
        f"{edition.started_at:%Y-%m-%d %H:%M}",
        "hand" if edition.by_hand else "schedule",
        f"{totals.members:,}",
        f"{totals.sent:,}",
        f"{totals.members - totals.sent - totals.waiting:,}",
        f"{totals.waiting:,}",
    )


def _report(
    deployed: deployment.Deployment, edition_id: EditionId, *, with_bad_news: bool
) -> Report:
    editions, ledger = EditionStore(deployed.content), Ledger(deployed.ledger)
    found = watch_edition.present(deployed, edition_id)
    chunks = ChunkStore(deployed.ledger).of_edition(edition_id)
    with terminal.progress() as bar:

        def track(shards: list[str]) -> Any:
            return bar.track(shards, description="Reading the ledger")

        unsent = tuple(edition_totals.exceptions(ledger, edition_id, chunks, track=track))
        bad: tuple[Any, ...] = ()
        if with_bad_news:
            bad = tuple(edition_totals.bad_news(ledger, edition_id, chunks, track=track))
    return Report(
        edition=found,
        pressings=editions.pressings(edition_id),
        totals=Totals.of(chunks),
        heard=HeardStore(deployed.ledger).of(edition_id),
        unsent=unsent,
        bad_news=bad,
        audit=editions.audit(edition_id),
        deliveries_told=deployed.deliveries_told,
    )
