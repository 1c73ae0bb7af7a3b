"""``courant editions pause | resume | cancel | retry-unresolved | watch``: a running edition."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import typer

from courant import clock
from courant.editions.model import OPEN, EditionState
from courant.editions.steer import Act
from courant.errors import ConfigurationError
from courant.schedule import EditionId
from desk import deployment, editor, watch_edition
from desk.commands import terminal
from desk.commands.editions import Id, parsed
from desk.commands.terminal import AsJson, StackName, Yes
from desk.edition_progress import Sight

PAUSE_EXAMPLES = terminal.epilog(
    "courant editions pause morning/daily/2026-11-22",
    "courant editions pause morning/daily/2026-11-22 --reason 'wrong headline'",
    more="No more mails go out after a few seconds; those that SES has already still arrive. "
    "'resume' goes on where it stopped, so nobody gets the edition twice.",
)
RESUME_EXAMPLES = terminal.epilog(
    "courant editions resume morning/daily/2026-11-22",
    "courant editions resume morning/daily/2026-11-22 --spread",
    more="It goes on with those who do not have it yet, however late, within a week of its start. "
    "If what paused it by itself is not mended, it pauses again; but for bounces, complaints or "
    "lateness it pauses only once.",
)
CANCEL_EXAMPLES = terminal.epilog(
    "courant editions cancel morning/daily/2026-11-22 --reason 'wrong headline'",
    more="Who does not have the edition yet never gets it; who has it keeps it. It can't be "
    "undone. For a corrected edition send an extra one.",
)
RETRY_EXAMPLES = terminal.epilog(
    "courant editions retry-unresolved morning/daily/2026-11-22",
    more="A digest is unresolved when the mail service gave no answer and no word came later: it "
    "may have arrived, or not. Only those are tried again, so nobody else gets anything. It can be "
    "asked for within a week of the edition's start.",
)
WATCH_EXAMPLES = terminal.epilog(
    "courant editions watch morning/daily/2026-11-22",
    more="Ctrl-C ends only the watching. It ends by itself when the edition is over or paused.",
)
Reason = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", help="Why; kept in the edition's history."),
]
RequestId = Annotated[
    str, typer.Option(metavar="ID", help="The same id never acts twice. Default: a new one.")
]


def pause(
    edition: Id,
    *,
    reason: Reason = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """Stop an edition, until somebody resumes or cancels it."""
    deployed = deployment.find(stack)
    _act(deployed, Act.PAUSE, parsed(edition), request_id, as_json=as_json, reason=reason)


def resume(
    edition: Id,
    *,
    spread: Annotated[
        bool,
        typer.Option("--spread", help="Over several days, if the account's daily quota asks for."),
    ] = False,
    reason: Reason = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """Let a paused edition go on."""
    deployed, more = deployment.find(stack), {"spread": spread} if spread else {}
    _act(deployed, Act.RESUME, parsed(edition), request_id, as_json=as_json, reason=reason, **more)


def cancel(
    edition: Id,
    *,
    reason: Reason = "",
    request_id: RequestId = "",
    yes: Yes = False,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """End an edition: who does not have it yet never gets it."""
    deployed, edition_id = deployment.find(stack), parsed(edition)
    if not yes:
        sight = watch_edition.look(deployed, edition_id)
        if sight.edition.state in OPEN:
            terminal.ask(_cancel_question(sight))
    _act(deployed, Act.CANCEL, edition_id, request_id, as_json=as_json, reason=reason)


def retry_unresolved(
    edition: Id,
    *,
    reason: Reason = "",
    request_id: RequestId = "",
    yes: Yes = False,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """Send the digests again of which nobody knows whether they arrived."""
    deployed, edition_id = deployment.find(stack), parsed(edition)
    if not yes:
        sight = watch_edition.look(deployed, edition_id)
        if sight.edition.state is EditionState.SENT_WITH_UNRESOLVED:
            terminal.ask(_retry_question(sight))
    _act(deployed, Act.RETRY_UNRESOLVED, edition_id, request_id, as_json=as_json, reason=reason)


def watch(edition: Id, *, as_json: AsJson = False, stack: StackName = "courant") -> None:
    """Show how an edition goes out, until it is over or you press Ctrl-C."""
    watched = watch_edition.watch(deployment.find(stack), parsed(edition))
    watch_edition.tell(watched, as_json=as_json, more={})
    raise typer.Exit(watched.exit)


def _act(
    deployed: deployment.Deployment,
    act: Act,
    edition: EditionId,
    request_id: str,
    *,
    as_json: bool,
    reason: str,
    **more: object,
) -> None:
    watch_edition.present(deployed, edition)
    request = request_id or f"{act.value}-{clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    event: dict[str, Any] = {
        "request_id": request,
        "action": act.value,
        "edition": str(edition),
        "by": editor.name(),
        **more,
    }
    event |= {"reason": reason} if reason else {}
    answer = deployed.invoke_publish(event)
    if as_json:
        terminal.show({"request_id": request, **answer})
    if answer["status"] == "refused":
        raise ConfigurationError("\n".join(answer["errors"]))
    if not as_json:
        terminal.say(f"{answer['status']}: {answer['message']}")
        if act in {Act.RESUME, Act.RETRY_UNRESOLVED} and answer["status"] == "done":
            terminal.note(f"Watch it: courant editions watch {edition}")


def _cancel_question(sight: Sight) -> str:
    totals = sight.totals
    if not totals.members:
        return f"Cancel {sight.edition.id} before anybody is mailed?"
    return (
        f"Cancel {sight.edition.id}? {totals.waiting:,} of {totals.members:,} members do not have "
        f"it yet, and never get it; {totals.sent:,} have it already."
    )


def _retry_question(sight: Sight) -> str:
    count = sight.totals.unresolved
    return (
        f"Of {sight.edition.id} {count:,} digest{' is' if count == 1 else 's are'} unresolved. "
        f"Try {'it' if count == 1 else 'them'} again? Up to {count:,} "
        f"reader{'' if count == 1 else 's'} may get it twice, because nobody knows whether the "
        "first came through."
    )
