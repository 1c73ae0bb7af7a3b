"""``courant send``: what would happen, then an editor's hand, then the edition as it goes out."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any

import typer

from courant import clock
from courant.errors import ConfigurationError
from courant.newsletter import Newsletter
from courant.schedule import EditionId, local_date
from desk import deployment, editor, look_ahead, roster_file, watch_edition
from desk import outlook as outlooks
from desk.commands import terminal
from desk.commands.terminal import AsJson, Exit, StackName, Yes
from desk.outlook import Outlook

EXAMPLES = terminal.epilog(
    "courant send morning --test me@example.org              mails you alone, marked [Test]",
    "courant send morning --dry-run                          to whom, how long, what it costs",
    "courant send morning --cadence daily                    today's edition now, after asking",
    "courant send morning --cadence daily --extra budget-day  one more edition today",
    more="The scheduled edition of the day then finds itself sent. It shows how the edition goes "
    "out until it is over; Ctrl-C ends only the showing. A request id makes asking again harmless: "
    "the same id sends nothing twice, so after a broken connection repeat the command with it.",
)

# What the publish function takes; here so that a mistake is told in the option's own words.
_EXTRA = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


def send(
    newsletter: Annotated[str, typer.Argument(help="The newsletter's id.", metavar="NEWSLETTER")],
    *,
    cadence: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Which of its cadences; needed where it has more than one."
        ),
    ] = "",
    test: Annotated[
        list[str] | None,
        typer.Option(
            "--test", metavar="ADDRESS", help="Mail only this address; may be given 20 times."
        ),
    ] = None,
    extra: Annotated[
        str, typer.Option(metavar="NAME", help="Send one more edition today, under this name.")
    ] = "",
    spread: Annotated[
        bool,
        typer.Option("--spread", help="Over several days, if the account's daily quota asks for."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; send nothing.")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Start it, and don't stay until it is over.")
    ] = False,
    request_id: Annotated[
        str, typer.Option(metavar="ID", help="The same id never sends twice. Default: a new one.")
    ] = "",
    yes: Yes = False,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """Send today's edition now, or a test of it to a few addresses."""
    to = tuple(_address(address) for address in test or ())
    _check_options(to, extra, request_id, spread=spread, dry_run=dry_run)
    deployed = deployment.find(stack)
    wanted = deployed.newsletter(newsletter)
    chosen = _cadence(wanted, cadence, for_test=bool(to))
    now = clock.now()
    event: dict[str, Any] = {
        "request_id": request_id
        or f"{wanted.id}-{chosen}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        "newsletter": wanted.id,
        "cadence": chosen,
        "by": editor.name(),
    }
    if to:
        _test(deployed, event | {"action": "test", "to": to}, as_json=as_json)
        return
    edition = EditionId(wanted.id, chosen, local_date(wanted, chosen, now), extra or None)
    seen = look_ahead.look_ahead(deployed, wanted, edition, now, spread=spread)
    if dry_run:
        _rehearse(wanted, edition, seen, as_json=as_json)
        return
    if seen is not None:
        _agree(wanted, seen, yes=yes)
    event |= {"action": "send", "spread": spread} | ({"extra": extra} if extra else {})
    _send(deployed, event, seen, as_json=as_json, no_wait=no_wait)


def _check_options(
    to: tuple[str, ...], extra: str, request_id: str, *, spread: bool, dry_run: bool
) -> None:
    if to and (extra or spread or dry_run):
        named = "--extra" if extra else "--spread" if spread else "--dry-run"
        raise ConfigurationError(f"{named}: a test goes to its addresses alone; leave it out")
    _check("--extra", extra, _EXTRA, "small letters, digits and hyphens, such as budget-day")
    _check("--request-id", request_id, _REQUEST_ID, "letters, digits, '.', '_' and '-'")


def _check(option: str, value: str, allowed: re.Pattern[str], words: str) -> None:
    if value and not allowed.fullmatch(value):
        raise ConfigurationError(f"{option}: {value!r} can't be used; write {words}")


def _address(text: str) -> str:
    try:
        return roster_file.address(text)
    except ValueError as error:
        raise ConfigurationError(f"--test: {error}") from error


def _cadence(newsletter: Newsletter, named: str, *, for_test: bool) -> str:
    known = ", ".join(newsletter.cadences)
    if named and named not in newsletter.cadences:
        raise ConfigurationError(f"--cadence: {newsletter.id} has {known}, not {named!r}")
    # A test harms nobody; but which readers get a mail is never guessed.
    if not named and len(newsletter.cadences) > 1 and not for_test:
        raise ConfigurationError(
            f"{newsletter.id} has more than one cadence: say which with --cadence ({known})"
        )
    return named or next(iter(newsletter.cadences))


def _rehearse(
    newsletter: Newsletter, edition: EditionId, seen: Outlook | None, *, as_json: bool
) -> None:
    if as_json:
        terminal.show(
            {"dry_run": True, "edition": str(edition), "started_before": seen is None}
            | (outlooks.as_json(seen) if seen else {})
        )
    elif seen is None:
        terminal.say(_started(edition))
    else:
        _print(newsletter, seen, stderr=False)
    if seen is not None and seen.refusal:
        raise ConfigurationError(seen.refusal)


def _agree(newsletter: Newsletter, seen: Outlook, *, yes: bool) -> None:
    _print(newsletter, seen, stderr=True)
    if seen.refusal:
        raise ConfigurationError(seen.refusal)
    if yes:
        return
    edition = seen.edition
    what = f"the {edition.cadence} edition"
    if edition.extra:
        what = f"the extra {edition.cadence} edition {edition.extra!r}"
    terminal.ask(
        f"Send {what} of {newsletter.title} ({newsletter.id}), {edition.date}, "
        f"to {_readers(seen)} now?"
    )


def _readers(seen: Outlook) -> str:
    members = seen.census.members
    return f"{members:,} reader{'' if members == 1 else 's'}"


def _print(newsletter: Newsletter, seen: Outlook, *, stderr: bool) -> None:
    write = terminal.note if stderr else terminal.say
    write(f"{seen.edition}  {newsletter.title}, to {_readers(seen)}", "bold")
    if seen.census.members:
        terminal.table(
            ("", "", "readers"), outlooks.audience(seen.census), numbers=1, stderr=stderr
        )
    for sentence in outlooks.sentences(seen):
        write(sentence)


def _test(deployed: deployment.Deployment, event: dict[str, Any], *, as_json: bool) -> None:
    answer = _invoke(deployed, event)
    if as_json:
        terminal.show({"request_id": event["request_id"], **answer})
    _end_if_refused(answer)
    if not as_json:
        to = ", ".join(event["to"])
        terminal.say(f"{answer['status']}: {answer['message']}; it goes to {to}")


def _send(
    deployed: deployment.Deployment,
    event: dict[str, Any],
    seen: Outlook | None,
    *,
    as_json: bool,
    no_wait: bool,
) -> None:
    answer = _invoke(deployed, event)
    told: dict[str, Any] = {"request_id": event["request_id"], **answer}
    if seen is not None:
        told["plan"] = outlooks.as_json(seen)
    if answer["status"] == "refused":
        if as_json:
            terminal.show(told)
        _end_if_refused(answer)
    said = f"{answer['status']}: {answer['message']}"
    if no_wait:
        if as_json:
            terminal.show(told)
        else:
            terminal.say(said)
            terminal.note(f"What comes of it: courant editions watch {answer['edition']}")
        return
    terminal.note(said)
    watched = watch_edition.watch(deployed, EditionId.parse(answer["edition"]))
    watch_edition.tell(watched, as_json=as_json, more=told)
    if watched.exit is not Exit.OK:
        raise typer.Exit(watched.exit)


def _invoke(deployed: deployment.Deployment, event: dict[str, Any]) -> dict[str, Any]:
    # Before the call, so that it can be repeated when its answer never comes.
    terminal.note(f"request id: {event['request_id']}")
    return deployed.invoke_publish(event)


def _end_if_refused(answer: dict[str, Any]) -> None:
    if answer["status"] == "refused":
        raise ConfigurationError("\n".join(answer["errors"]))


def _started(edition: EditionId) -> str:
    return (
        f"{edition} was started before, so nothing would be sent. Look at it: courant editions "
        f"show {edition}; for one more edition today give it a name with --extra"
    )
