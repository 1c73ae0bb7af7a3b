"""``courant local``: a stack on this machine for the other commands to talk to, without AWS."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from courant.errors import ConfigurationError
from desk.commands import terminal

if TYPE_CHECKING:
    from desk.stack import Pumped

EXAMPLES = terminal.epilog(
    "courant local",
    "courant local --port 0 --mails mails/",
    more="It prints what to set in a second terminal, where 'courant apply', 'subscribers import' "
    "and 'send' then work on it. It behaves as the deployed stack does, on the real clock: feeds "
    "are fetched, editions start at their hour, and mails land in a folder instead of inboxes. All "
    "of it is gone when you end it.",
)


def local(
    *,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="0 takes a free one.")
    ] = 4600,
    sender_domain: Annotated[
        str, typer.Option(metavar="DOMAIN", help="The domain that newsletters may be sent from.")
    ] = "courant.example",
    mails: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="The folder for the mails it would have sent.", file_okay=False
        ),
    ] = Path("local-mails"),
    seconds: Annotated[
        float, typer.Option(metavar="N", min=0.1, help="Between two heartbeats.")
    ] = 5.0,
    open_port: Annotated[
        list[int] | None,
        typer.Option(
            "--open-port", metavar="N", help="A loopback port that feeds may be fetched from."
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show what the functions log.")
    ] = False,
) -> None:
    """Run a whole stack in memory, for the other commands, until Ctrl-C."""
    logger = logging.getLogger("courant")
    logger.addHandler(logging.StreamHandler())
    logger.propagate = False
    logger.setLevel(logging.INFO if verbose else logging.ERROR)
    # moto and Flask take a second to load, and only this command needs them.
    from desk.endpoint import Endpoint

    try:
        endpoint = Endpoint(
            port=port, sender_domain=sender_domain, open_ports=tuple(open_port or ())
        )
    except (OSError, SystemExit) as error:  # werkzeug exits where it can't listen
        raise ConfigurationError(
            f"port {port} on 127.0.0.1 is taken; choose another with --port, or 0"
        ) from error
    # A shell that starts it with "&" has it ignore Ctrl-C; "kill" must end it as cleanly.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    terminal.note("Making the stack of template.yaml …")
    with endpoint:
        terminal.say("# A stack is running. In a second terminal:")
        for name, value in endpoint.environment.items():
            terminal.say(f"export {name}={value}")
        terminal.note(f"Mails go to {mails}{os.sep}. Ctrl-C ends it, and forgets everything.")
        written = 0
        try:
            while True:
                _report(endpoint.beat())
                written = _write(mails, [mail.raw for mail in endpoint.stack.mails()], written)
                endpoint.work.wait(seconds)
        except KeyboardInterrupt:
            terminal.note("\nEnded.")


def _report(pumped: Pumped) -> None:
    for failure in pumped.dead:
        terminal.note(f"{failure.function} gave up on {failure.body}: {failure.reason}", "red")


def _write(folder: Path, mails: list[bytes], written: int) -> int:
    """Write the mails after the first ``written``; how many there are now."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(mails[written:], written + 1):
        (folder / f"{number:05}.eml").write_bytes(raw)
    if len(mails) > written:
        terminal.note(f"{len(mails) - written} more mails in {folder}")
    return len(mails)
