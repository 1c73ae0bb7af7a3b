"""``courant send``: an editor's hand, through the publish function."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Annotated, Any

import typer

from courant import clock
from courant.errors import ConfigurationError
from courant.newsletter import Newsletter
from courant.schedule import local_date
from courant.subscribers.lists import MemberLists
from courant.subscribers.model import SHARDS
from desk import deployment, roster_file
from desk.commands import terminal
from desk.commands.terminal import AsJson, StackName, Yes

EXAMPLES = terminal.epilog(
    "courant send morning --test me@example.org              mails you alone, marked [Test]",
    "courant send morning --cadence daily                    today's edition now, after asking",
    "courant send morning --cadence daily --extra budget-day  one more edition today",
    more="The scheduled edition of the day then finds itself sent. A request id makes "
    "asking again harmless: the same id sends nothing twice, so after a broken "
    "connection repeat the command with it.",
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
    request_id: Annotated[
        str, typer.Option(metavar="ID", help="The same id never sends twice. Default: a new one.")
    ] = "",
    yes: Yes = False,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """Send today's edition now, or a test of it to a few addresses."""
    to = tuple(_address(address) for address in test or ())
    if to and extra:
        raise ConfigurationError("--extra: a test belongs to no edition; leave it out")
    _check("--extra", extra, _EXTRA, "small letters, digits and hyphens, such as budget-day")
    _check("--request-id", request_id, _REQUEST_ID, "letters, digits, '.', '_' and '-'")
    deployed = deployment.find(stack)
    wanted = deployed.newsletter(newsletter)
    chosen = _cadence(wanted, cadence, for_test=bool(to))
    now = clock.now()
    if not to and not yes:
        _ask(deployed, wanted, chosen, extra, now)
    request = request_id or f"{wanted.id}-{chosen}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    # Before the call, so that it can be repeated when its answer never comes.
    terminal.note(f"request id: {request}")
    event: dict[str, Any] = {
        "request_id": request,
        "newsletter": wanted.id,
        "cadence": chosen,
        "action": "test" if to else "send",
    }
    event |= {"to": to} if to else {}
    event |= {"extra": extra} if extra else {}
    answer = deployed.invoke_publish(event)
    if as_json:
        terminal.show({"request_id": request, **answer})
    if answer["status"] == "refused":
        raise ConfigurationError("\n".join(answer["errors"]))
    if not as_json:
        _print_answer(answer, to)


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


def _check(option: str, value: str, allowed: re.Pattern[str], words: str) -> None:
    if value and not allowed.fullmatch(value):
        raise ConfigurationError(f"{option}: {value!r} can't be used; write {words}")


def _address(text: str) -> str:
    try:
        return roster_file.address(text)
    except ValueError as error:
        raise ConfigurationError(f"--test: {error}") from error


def _ask(
    deployed: deployment.Deployment, newsletter: Newsletter, cadence: str, extra: str, now: datetime
) -> None:
    lists = MemberLists(deployed.subscribers)
    slots = [slot for slot in lists.slots(newsletter.id) if slot.cadence == cadence]
    with terminal.progress() as bar:
        readers = sum(
            lists.count(newsletter.id, slot, shard, now)
            for slot in bar.track(slots, description="Counting readers")
            for shard in SHARDS
        )
    day = local_date(newsletter, cadence, now)
    what = f"the extra {cadence} edition {extra!r}" if extra else f"the {cadence} edition"
    terminal.ask(
        f"Send {what} of {newsletter.title} ({newsletter.id}), {day}, "
        f"to {readers} reader{'' if readers == 1 else 's'} now?"
    )


def _print_answer(answer: dict[str, Any], to: tuple[str, ...]) -> None:
    if to:
        terminal.say(f"{answer['status']}: {answer['message']}; it goes to {', '.join(to)}")
        return
    terminal.say(f"{answer['status']}: {answer['message']}")
    terminal.note(f"What comes of it: courant editions show {answer['edition']}")
