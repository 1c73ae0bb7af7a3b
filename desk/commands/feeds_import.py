"""``courant feeds import``: a feed reader's list becomes a newsletter file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from courant.errors import ConfigurationError
from desk import newsletter_draft, opml
from desk.commands import terminal
from desk.commands.terminal import Exit

EXAMPLES = terminal.epilog(
    "courant feeds import subscriptions.opml",
    "courant feeds import subscriptions.opml --out newsletters/mine.yaml",
    more="Any feed reader exports OPML. Folders become sections, and 'courant validate' then names "
    "what is left to fill in: who sends the newsletter, and from where. Exit code 3 if something "
    "of the list is not in the file, doubles aside.",
)


def import_(
    file: Annotated[
        Path, typer.Argument(help="A list of feeds, as readers export it.", metavar="FILE.opml")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write here instead of stdout.", dir_okay=False, show_default=False
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Make a newsletter file of a list of feeds (OPML)."""
    try:
        body = opml.read_file(file)
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror or error}") from error
    try:
        feeds = opml.parse(body)
    except opml.NotOpml as error:
        raise ConfigurationError(f"{file}: {error}") from error
    draft = newsletter_draft.draft(feeds, out.stem if out else file.stem)
    for remark in draft.remarks:
        terminal.note(f"{file}: {remark}", style="yellow")
    if not draft.feeds:
        raise ConfigurationError(f"{file}: there is no feed in this list that could be used")
    if out is None:
        typer.echo(draft.text, nl=False)
    else:
        _write(out, draft.text, force=force)
    sections = f"{draft.sections} section{'' if draft.sections == 1 else 's'}"
    terminal.note(
        f"{draft.feeds} feed{'' if draft.feeds == 1 else 's'} in {sections}"
        + (f", in {out}. 'courant validate {out}' names what to fill in" if out else "")
    )
    if draft.is_partial:
        raise typer.Exit(Exit.PARTLY)


def _write(out: Path, text: str, *, force: bool) -> None:
    try:
        with out.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigurationError(f"{out} is there already; --force writes over it") from error
    except OSError as error:
        raise ConfigurationError(f"{out}: {error.strerror or error}") from error
