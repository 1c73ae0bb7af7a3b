"""``courant preview``: the digest of a newsletter file, in the browser, before anyone gets it.

Chooses, renders and joins as compose and deliver do, from the feeds as they are now. There are no
earlier editions here, so everything in the feeds is new.
"""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

from courant import clock
from courant.delivery.digest import Reader
from courant.errors import ConfigurationError
from courant.subscribers.choices import sections_of
from desk import offline, words
from desk.commands import terminal
from desk.commands.terminal import AsJson, Exit
from desk.preview import live, report, static
from desk.preview.draft import Draft, Shown
from desk.preview.news import Feeds, Newsroom, Samples
from desk.preview.server import PreviewServer
from desk.sample_digest import SampleReader

EXAMPLES = terminal.epilog(
    "courant preview newsletters/morning.yaml",
    "courant preview newsletters/morning.yaml --sample           awkward stories, no network",
    "courant preview newsletters/morning.yaml --sections world,science",
    "courant preview newsletters/morning.yaml --feeds saved-feeds/ --out preview/ --no-open",
    more="Needs no AWS: the feeds are fetched by this machine, now. A reader may see less, "
    "as earlier editions are left out of a real one. The page reloads as the file or a template "
    "is saved. With --out or --json nothing is served: feeds that fail are named, and then the "
    "exit code is 3.",
)


def preview(
    file: Annotated[Path, typer.Argument(help="A newsletter file.", metavar="NEWSLETTER.yaml")],
    *,
    feeds: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Read feed files of this folder instead; sub-folders are sections.",
        ),
    ] = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Show sample stories instead of the feeds.")
    ] = False,
    sections: Annotated[
        str, typer.Option(metavar="A,B", help="As a reader of only these sections sees it.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the pages into this folder, and end.")
    ] = None,
    as_json: AsJson = False,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="The page's port; 0 is any.")
    ] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Don't open the browser.")] = False,
) -> None:
    """Show the digest that a newsletter file makes of its feeds, in every way readers get it."""
    if sample and feeds is not None:
        raise ConfigurationError("give --sample or --feeds, not both")
    newsroom: Newsroom = Samples() if sample else Feeds(feeds)
    folder = _folder(out) if out else None
    draft = _read(file, newsroom)
    if sections:
        draft.own_readers = (_reader(draft, sections),)
    shown = draft.show(draft.parse(""))
    _tell_failures(shown)
    if told := words.note(draft.newsletter):
        terminal.note(told, style="yellow")
    if folder is None and not as_json:
        _serve(draft, shown, port, no_open=no_open)
        return
    shown = static.one(shown)
    findings = report.check(shown)
    index = static.write(shown, findings, folder) if folder else None
    if as_json:
        terminal.show(static.as_json(shown, findings, index))
    else:
        _summary(shown)
        terminal.say(str(index))
        if not no_open and index:
            _open(index.resolve().as_uri())
    if shown.news.failed:
        raise typer.Exit(Exit.PARTLY)


def _read(file: Path, newsroom: Newsroom) -> Draft:
    with terminal.progress() as bar:
        task: Any = None

        def heard(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                task = bar.add_task("Feeds", total=total)
            bar.update(task, completed=done, total=total)

        draft = Draft(file, newsroom, clock.now)
        draft.heard = heard
        draft.read_feeds()
        # What is read from now on is told in the page.
        draft.heard = None
    return draft


def _reader(draft: Draft, asked: str) -> SampleReader:
    try:
        sections = sections_of(draft.newsletter, asked)
    except ValueError as error:
        raise ConfigurationError(f"--sections: {error}") from error
    return SampleReader(
        id="asked", label=f"Sections {', '.join(sections)}", reader=Reader(sections=sections)
    )


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"--out {out}: {error.strerror or error}") from error
    return out


def _serve(draft: Draft, shown: Shown, port: int, *, no_open: bool) -> None:
    with live.running(draft, _server(port)) as server:
        if shown.digest:
            _summary(shown)
        for fault in shown.faults:
            terminal.note(f"{fault.place}: {fault.text}", style="red")
        terminal.note(f"Look at it at {server.url} (Ctrl-C ends)")
        if not no_open:
            _open(server.url)
        try:
            server.wait()
        except KeyboardInterrupt:
            terminal.note("The preview is closed.")


def _server(port: int) -> PreviewServer:
    try:
        return PreviewServer(port)
    except OSError as error:
        raise ConfigurationError(
            f"port {port} of this machine is taken; give another --port, or none"
        ) from error


def _open(address: str) -> None:
    if not webbrowser.open(address):
        terminal.note("No browser could be opened; open the page yourself.")


def _tell_failures(shown: Shown) -> None:
    for reading in shown.news.failed:
        terminal.note(f"{reading.name}: {reading.error}", style="red")
    if hint := offline.hint((one.url, one.error) for one in shown.news.readings):
        terminal.note(hint, style="yellow")
    for warning in report.warnings(shown):
        terminal.note(warning, style="yellow")


def _summary(shown: Shown) -> None:
    digest = report.digest(shown)
    if digest is None:
        return
    terminal.say(digest["subject"], style="bold")
    feeds = report.feeds(shown)
    total, read = feeds["total"], feeds["total"] - len(feeds["failed"])
    source = f" from {read} of {total} feeds" if total else ""
    terminal.say(
        f"{digest['stories']} stories{source}; {digest['html_bytes']:,} bytes of HTML, "
        f"{digest['text_bytes']:,} of text"
    )
