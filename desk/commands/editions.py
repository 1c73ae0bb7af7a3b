"""``courant editions``: what was sent, what became of each member, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from courant.delivery.chunks import Chunk, ChunkStore
from courant.delivery.ledger import Ledger
from courant.editions.model import Edition, PressingRecord
from courant.editions.store import EditionStore
from courant.errors import ConfigurationError, NotFound
from courant.newsletters import NewsletterStore
from courant.schedule import EditionId
from desk import deployment
from desk.commands import terminal
from desk.commands.terminal import AsJson, StackName
from desk.commands.totals import Reasons, Totals, reasons_of

LIST_EXAMPLES = terminal.epilog(
    "courant editions list",
    "courant editions list morning --limit 30 --json",
)
SHOW_EXAMPLES = terminal.epilog(
    "courant editions show morning/daily/2026-11-22",
    "courant editions show morning/daily/2026-11-22+budget-day --json",
    more="Every member counted when the edition was cut is sent, skipped, failed or "
    "unresolved in the end, or had the edition already through another slot; the "
    "table adds them up.",
)


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
    ids = [newsletter] if newsletter else [one.id for one in _all(deployed)]
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
        terminal.show([_edition_json(edition) | totals.as_json() for edition, totals in rows])
    elif not rows:
        terminal.say("No edition yet.")
    else:
        terminal.table(
            ("edition", "state", "started (UTC)", "by", "members", "sent", "other"),
            (
                (
                    str(edition.id),
                    edition.state.value,
                    f"{edition.started_at:%Y-%m-%d %H:%M}",
                    "hand" if edition.by_hand else "schedule",
                    str(totals.members),
                    str(totals.sent),
                    str(totals.members - totals.sent),
                )
                for edition, totals in rows
            ),
            numbers=3,
        )


def show(
    edition: Annotated[str, typer.Argument(help="newsletter/cadence/YYYY-MM-DD", metavar="ID")],
    *,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """One edition whole: its pressings, and what became of every member."""
    try:
        edition_id = EditionId.parse(edition)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    deployed = deployment.find(stack)
    store = EditionStore(deployed.content)
    found = store.get(edition_id)
    if found is None:
        raise NotFound(
            f"there is no edition {edition_id}; 'courant editions list {edition_id.newsletter}' "
            "shows those there are"
        )
    pressings = store.pressings(edition_id)
    chunks = ChunkStore(deployed.ledger).of_edition(edition_id)
    reasons = reasons_of(Ledger(deployed.ledger), edition_id, chunks)
    if as_json:
        terminal.show(_whole_json(found, pressings, chunks, reasons))
    else:
        _print(found, pressings, chunks, reasons)


def _all(deployed: deployment.Deployment) -> Iterable[Any]:
    return NewsletterStore(deployed.content).all()


def _print(
    edition: Edition,
    pressings: Iterable[PressingRecord],
    chunks: Iterable[Chunk],
    reasons: Reasons,
) -> None:
    by = "by hand" if edition.by_hand else "on schedule"
    terminal.say(f"{edition.id}  {edition.state.value}", style="bold")
    terminal.say(f"started {edition.started_at:%Y-%m-%d %H:%M} UTC, {by}")
    if edition.reason:
        terminal.say(edition.reason)
    terminal.say("\nPressings", style="bold")
    terminal.table(
        ("due (UTC)", "state", "slots", "why", "articles", "members"),
        (
            (
                f"{one.instant:%Y-%m-%d %H:%M}",
                one.state.value,
                ", ".join(str(slot) for slot in one.slots) or "none: nobody subscribes",
                one.reason or "",
                str(one.articles),
                str(one.members),
            )
            for one in pressings
        ),
        numbers=2,
    )
    totals = Totals.of(chunks)
    terminal.say("\nMembers", style="bold")
    terminal.table(
        ("", ""),
        (
            (name, str(number))
            for name, number in (
                ("sent", totals.sent),
                ("skipped", totals.skipped),
                ("failed", totals.failed),
                ("unresolved", totals.unresolved),
                ("had it through another slot", totals.had),
                ("still waiting", totals.waiting),
                ("= members counted at the cut", totals.members),
            )
        ),
        numbers=1,
    )
    if reasons:
        terminal.say("\nNot sent, and why", style="bold")
        terminal.table(
            ("state", "reason", "digests"),
            (
                (state.value, reason, str(count))
                for (state, reason), count in sorted(reasons.items())
            ),
            numbers=1,
        )


def _edition_json(edition: Edition) -> dict[str, Any]:
    return {
        "id": str(edition.id),
        "state": edition.state,
        "started_at": edition.started_at.isoformat(),
        "by_hand": edition.by_hand,
        "reason": edition.reason,
    }


def _whole_json(
    edition: Edition,
    pressings: Iterable[PressingRecord],
    chunks: Iterable[Chunk],
    reasons: Reasons,
) -> dict[str, Any]:
    return {
        **_edition_json(edition),
        **Totals.of(chunks).as_json(),
        "pressings": [
            {
                "instant": one.instant.isoformat(),
                "state": one.state,
                "slots": [str(slot) for slot in one.slots],
                "articles": one.articles,
                "members": one.members,
                "reason": one.reason,
            }
            for one in pressings
        ],
        "exceptions": [
            {"state": state, "reason": reason, "digests": count}
            for (state, reason), count in sorted(reasons.items())
        ],
    }
