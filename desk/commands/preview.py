"""``courant preview``: the digest of a newsletter file, in the browser, before anyone gets it.

Chooses, renders and joins as compose and deliver do, from the feeds as they are now. There are no
earlier editions here, so everything in the feeds is new.
"""

from __future__ import annotations

import shutil
import tempfile
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from courant import clock
from courant.delivery import digest as digests
from courant.delivery.digest import Digest
from courant.editions.select import choose, count_articles
from courant.errors import ConfigurationError, CourantError
from courant.newsletter import Newsletter
from courant.schedule import Slot, zone_of
from courant.subscribers.roster import sections_of
from desk import newsletter_file, offline
from desk.commands import feeds_now, terminal
from desk.commands.feeds_now import Reading
from desk.commands.terminal import Exit
from desk.demo import paper

EXAMPLES = terminal.epilog(
    "courant preview newsletters/morning.yaml",
    "courant preview newsletters/morning.yaml --sections world,science",
    "courant preview newsletters/morning.yaml --feeds saved-feeds/ --out preview/ --no-open",
    more="Needs no AWS: the feeds are fetched by this machine, now. A reader may see less, "
    "as earlier editions are left out of a real one. Feeds that fail are named, and "
    "then the exit code is 3.",
)


@dataclass(frozen=True, slots=True)
class Preview:
    """What the page shows."""

    newsletter: Newsletter
    digest: Digest
    articles: int
    readings: tuple[Reading, ...]

    @property
    def failed(self) -> tuple[Reading, ...]:
        """Feeds that brought nothing, and say why."""
        return tuple(reading for reading in self.readings if reading.error)


def preview(
    file: Annotated[Path, typer.Argument(help="A newsletter file.", metavar="NEWSLETTER.yaml")],
    *,
    feeds: Annotated[
        Path | None,
        typer.Option(help="Read feed files of this folder instead; sub-folders are sections."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Where the pages go; a new temporary folder if left out."),
    ] = None,
    sections: Annotated[
        str, typer.Option(metavar="A,B", help="As a reader of only these sections sees it.")
    ] = "",
    no_open: Annotated[bool, typer.Option("--no-open", help="Don't open the browser.")] = False,
) -> None:
    """Show the digest that a newsletter file makes of its feeds, as HTML and as text."""
    now = clock.now()
    newsletter = newsletter_file.load(file)
    if feeds is not None:
        newsletter, fetch = feeds_now.from_folder(feeds, newsletter)
    elif all(url.startswith(f"{paper.SITE}/") for url in newsletter.feeds):
        fetch = feeds_now.from_paper(now)
    else:
        fetch = feeds_now.from_web(newsletter)
    wanted = _sections(newsletter, sections)
    with terminal.progress() as bar:
        readings = tuple(
            bar.track(
                feeds_now.read_all(newsletter.feeds, fetch, now),
                total=len(newsletter.feeds),
                description="Feeds",
            )
        )
    for reading in readings:
        if reading.error:
            terminal.note(f"{reading.name}: {reading.error}", style="red")
    if hint := offline.hint((reading.url, reading.error) for reading in readings):
        terminal.note(hint, style="yellow")
    made = compose(newsletter, readings, wanted, now)
    folder = _folder(out)
    index = write(made, folder)
    _summary(made, index)
    if not no_open and not webbrowser.open(index.resolve().as_uri()):
        terminal.note("No browser could be opened; open the page yourself.")
    if made.failed:
        raise typer.Exit(Exit.PARTLY)


def compose(
    newsletter: Newsletter, readings: Sequence[Reading], wanted: Sequence[str], now: datetime
) -> Preview:
    """The digest of a reader of these sections (none: all).

    Raises:
        CourantError: there is nothing to show.
    """
    # premailer and lxml take a while to load, and no other command needs them.
    from courant.editions.render import render

    slot = Slot(next(iter(newsletter.cadences)))
    zone = zone_of(newsletter, slot)
    chosen = choose(newsletter.sections, feeds_now.candidates(readings), frozenset())
    pressing = render(newsletter, chosen, (slot,), now.astimezone(zone).date(), zone)
    digest = digests.join(pressing, wanted, "#unsubscribe")
    if digest is None:
        raise CourantError("nothing to show: no feed brought an article for these sections")
    return Preview(newsletter, digest, count_articles(chosen), tuple(readings))


def write(made: Preview, folder: Path) -> Path:
    """Write the digest and the page that shows it; the page's path."""
    html = made.digest.html
    if f"{paper.SITE}/images/" in html:
        # The demo's paper has no server here; its pictures come along.
        shutil.copytree(paper.IMAGES, folder / "images", dirs_exist_ok=True)
        html = html.replace(f"{paper.SITE}/images/", "images/")
    (folder / "digest.html").write_text(html, "utf-8")
    (folder / "digest.txt").write_text(made.digest.text, "utf-8")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("preview.html.j2").render(
        newsletter=made.newsletter,
        digest=made.digest,
        articles=made.articles,
        html_bytes=len(made.digest.html.encode()),
        text_bytes=len(made.digest.text.encode()),
        failed=made.failed,
        feeds=len(made.readings),
    )
    index = folder / "index.html"
    index.write_text(page, "utf-8")
    return index


def _sections(newsletter: Newsletter, words: str) -> tuple[str, ...]:
    try:
        return sections_of(newsletter, words)
    except ValueError as error:
        raise ConfigurationError(f"--sections: {error}") from error


def _folder(out: Path | None) -> Path:
    if out is None:
        return Path(tempfile.mkdtemp(prefix="courant-preview-"))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"--out {out}: {error.strerror or error}") from error
    return out


def _summary(made: Preview, index: Path) -> None:
    digest = made.digest
    terminal.say(digest.subject, style="bold")
    terminal.say(
        f"{len(digest.stories)} stories from {len(made.readings) - len(made.failed)} of "
        f"{len(made.readings)} feeds; {len(digest.html.encode()):,} bytes of HTML, "
        f"{len(digest.text.encode()):,} of text"
    )
    if made.articles < made.newsletter.minimum_articles:
        terminal.note(
            f"A real edition needs {made.newsletter.minimum_articles} articles and would be "
            f"skipped: there are {made.articles}.",
            style="yellow",
        )
    terminal.say(str(index))
