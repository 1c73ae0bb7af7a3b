"""``courant apply``: newsletter files into the content table, after showing what would change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from courant import clock
from courant.errors import ConfigurationError
from courant.feeds.store import FeedStore
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from desk import deployment, newsletter_file, words
from desk.commands import changes as changes_of
from desk.commands import terminal
from desk.commands.changes import Changes
from desk.commands.terminal import AsJson, StackName, Yes

APPLY_EXAMPLES = terminal.epilog(
    "courant apply newsletters/            shows the difference, then asks",
    "courant apply newsletters/ --yes      in a script",
    "courant apply newsletters/ --prune    also removes what has no file any more",
)

VALIDATE_EXAMPLES = terminal.epilog(
    "courant validate newsletters/",
    "courant validate newsletters/morning.yaml newsletters/weekend.yaml",
)

Folder = Annotated[
    Path, typer.Argument(help="A folder of newsletter files, or one file.", metavar="FOLDER")
]


def apply(
    folder: Folder,
    *,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove newsletters that have no file in FOLDER.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """Put newsletter files into the stack: shows what would change, asks, and does it."""
    wanted = read(folder)
    if mistakes := [mistake for one in wanted for mistake in words.mistakes(one)]:
        raise ConfigurationError("\n".join(mistakes))
    _note_words(wanted)
    if prune and not folder.is_dir():
        raise ConfigurationError(f"--prune needs a folder; {folder} is a file")
    deployed = deployment.find(stack)
    refuse_foreign_senders(folder, wanted, deployed)
    store = NewsletterStore(deployed.content)
    changes = changes_of.between(wanted, store.all(), prune=prune)
    out = terminal.note if as_json else terminal.say
    for line in changes_of.describe(changes, one_file=not folder.is_dir()):
        out(line, style=_STYLES.get(line[:1]))
    if not changes.is_empty:
        if not yes:
            terminal.ask(f"Apply this to stack {stack}?")
        carry_out(changes, store, FeedStore(deployed.content), clock.now())
        out("Applied.")
    if as_json:
        terminal.show(_as_json(changes))


def validate(
    files: Annotated[
        list[Path], typer.Argument(help="Newsletter files, or folders of them.", metavar="FILE")
    ],
) -> None:
    """Check newsletter files without AWS: every mistake with its file, line and mend."""
    mistakes: list[str] = []
    found: list[Newsletter] = []
    for path in files:
        try:
            found += read(path)
        except ConfigurationError as error:
            mistakes.append(str(error))
    count = len(found)
    mistakes += [mistake for newsletter in found for mistake in words.mistakes(newsletter)]
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    _note_words(found)
    terminal.say(f"{count} newsletter{'' if count == 1 else 's'}, no mistakes.")


def read(path: Path) -> tuple[Newsletter, ...]:
    """The newsletters of a folder or of one file.

    Raises:
        ConfigurationError: every mistake of every file.
    """
    return newsletter_file.load_folder(path) if path.is_dir() else (newsletter_file.load(path),)


def _note_words(newsletters: Iterable[Newsletter]) -> None:
    for newsletter in newsletters:
        if told := words.note(newsletter):
            terminal.note(f"{newsletter.id}: {told}")


def refuse_foreign_senders(
    folder: Path, wanted: Iterable[Newsletter], deployed: deployment.Deployment
) -> None:
    """Raise ConfigurationError that names every file whose sender the stack may not be.

    A subdomain is another domain here: deliver's role may only send from the stack's own.
    """
    domain = deployed.sender_domain
    foreign = {one.id: one for one in wanted if one.sender.domain != domain}
    if not foreign:
        return
    files = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    raise ConfigurationError(
        "\n".join(
            f"{file}: sender.address: {one.sender.address} is not at {domain}, the domain that "
            f"stack {deployed.stack!r} sends from; change it to "
            f"{one.sender.address.rpartition('@')[0]}@{domain}, or deploy a stack for "
            f"{one.sender.domain}, or take the file out of the folder"
            for file in files
            if file.suffix in {".yaml", ".yml"}
            and (one := foreign.get(newsletter_file.load(file).id))
        )
    )


def carry_out(changes: Changes, store: NewsletterStore, feeds: FeedStore, now: datetime) -> None:
    """Write the changes. Interrupted anywhere, the next ``apply`` does the rest."""
    written = (*changes.added, *(after for _, after in changes.changed))
    with terminal.progress() as bar:
        # Feeds before newsletters: the next run compares with the newsletters in the table, so what
        # they say must not be ahead of what is done.
        for url in bar.track(changes_of.feeds_of(written).values(), description="Feeds"):
            feeds.register(url, now)
        for url in bar.track(changes.dropped_feeds, description="Dropped feeds"):
            feeds.drop(url)
    for newsletter in written:
        store.put(newsletter, now)
    for newsletter in changes.removed:
        store.delete(newsletter.id)


_STYLES: Mapping[str, str] = {"+": "green", "-": "red", "@": "cyan"}


def _as_json(changes: Changes) -> dict[str, Any]:
    return {
        "added": [one.id for one in changes.added],
        "changed": [after.id for _, after in changes.changed],
        "removed": [one.id for one in changes.removed],
        "kept": changes.kept,
        "unchanged": changes.unchanged,
        "feeds": {"added": changes.new_feeds, "dropped": changes.dropped_feeds},
    }
