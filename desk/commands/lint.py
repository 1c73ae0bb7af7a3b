"""``courant lint``: what is wrong with a newsletter's digest, for a terminal or for CI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from courant import clock, locales
from courant.articles import Article
from courant.delivery import digest as digests
from courant.delivery.digest import Reader
from courant.errors import ConfigurationError, CourantError
from courant.newsletter import Look, Newsletter
from desk import newsletter_file, sample_news
from desk.commands import terminal
from desk.commands.terminal import Exit
from desk.lint.findings import SEVERITIES, Finding
from desk.preview.choice import LOOKS
from desk.preview.news import Feeds
from desk.sample_digest import UNSUBSCRIBE_URL, compose_all

EXAMPLES = terminal.epilog(
    "courant lint newsletters/morning.yaml --sample",
    "courant lint newsletters/morning.yaml --look all --locale ar --clients",
    "courant lint newsletters/morning.yaml --sample --strict --json",
    "courant lint saved-mail.eml",
    more="Checks the digest against what mail clients draw (caniemail.com), for readers who hear "
    "or enlarge it, and as a mail. Ends with 1 when there are errors, with --strict also when "
    "there are warnings; notes fail nothing.",
)
_RIGHT_TO_LEFT, _LEFT_TO_RIGHT = "ar", "en"
_PAGES = {".html", ".htm"}
_COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}
# What ``--look`` takes.
Looks = Literal["own", "all", Look]


@dataclass(frozen=True, slots=True)
class Checked:
    """One page, under the name it is told by."""

    name: str
    html: str
    findings: tuple[Finding, ...]
    file: Path | None = None  # where it was read from


def lint(
    file: Annotated[
        Path,
        typer.Argument(
            help="A newsletter file; or a mail, its HTML or .eml.", metavar="NEWSLETTER.yaml"
        ),
    ],
    *,
    sample: Annotated[
        bool, typer.Option("--sample", help="With stories of our own, awkward ones; no network.")
    ] = False,
    feeds: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Read feed files of this folder instead; sub-folders are sections.",
        ),
    ] = None,
    look: Annotated[Looks, typer.Option(help="Which looks.")] = "own",
    locale: Annotated[
        list[str] | None,
        typer.Option(
            help="For readers of this language; may be repeated. Left out: the newsletter's, and "
            "one that is written the other way.",
            metavar="TAG",
        ),
    ] = None,
    clients: Annotated[
        bool, typer.Option("--clients", help="Print which feature works in which client.")
    ] = False,
    notes: Annotated[bool, typer.Option("--notes", help="Print notes as well.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    json: terminal.AsJson = False,
) -> None:
    """Say what is wrong with a newsletter's digest: clients, accessibility, the mail itself."""
    if file.suffix.lower() in {*_PAGES, ".eml"}:
        pages = [_saved(file)]
    else:
        pages = list(_composed(file, feeds, look, locale, sample=sample))
    if json:
        terminal.show(_as_json(file, pages))
    else:
        for page in pages:
            _print(page, notes=notes)
        if clients:
            from desk.commands import client_table

            client_table.show(page.html for page in pages)
        _print_sum(pages)
    failing = {"error", "warning"} if strict else {"error"}
    if any(finding.severity in failing for page in pages for finding in page.findings):
        raise typer.Exit(Exit.FAILED)


def _saved(file: Path) -> Checked:
    from desk.lint import eml
    from desk.lint.check import check
    from desk.lint.mail import Mail

    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror or error}") from error
    if file.suffix.lower() in _PAGES:
        html = raw.decode("utf-8", "replace")
        return Checked(file.name, html, check(html), file)
    parts = eml.read(raw)
    if parts.html is None:
        raise ConfigurationError(f"{file}: no mail with HTML in it")
    # Lines of the parts are not the file's.
    found = check(parts.html, Mail(text=parts.text or "", raw=_as_sent(raw)))
    return Checked(file.name, parts.html, found)


def _as_sent(raw: bytes) -> bytes:
    """With the line ends of a mail on its way, which many programs save without."""
    return raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n")


def _composed(
    file: Path, folder: Path | None, look: Looks, tags: list[str] | None, *, sample: bool
) -> Iterator[Checked]:
    from desk.lint.check import check_digest

    now = clock.now()
    newsletter = newsletter_file.load(file)
    candidates: Mapping[str, Iterable[Article]]
    if sample:
        newsletter = sample_news.dressed(newsletter)
        candidates = sample_news.sample(newsletter, now)
    else:
        newsletter, candidates = _news(newsletter, folder, now)
    wanted = _locales(newsletter, tags)
    for each in _looks(newsletter, look):
        dressed = newsletter.model_copy(update={"look": each})
        pressing = compose_all(dressed, candidates, now, locales=wanted)
        for tag in wanted:
            reader = Reader(name="Ada Lovelace" if dressed.greeting else None, locale=tag)
            digest = digests.join(pressing, reader, UNSUBSCRIBE_URL)
            if digest is None:
                raise CourantError("nothing to check: no feed brought an article; try --sample")
            raw = digests.message(
                pressing, digest, to="ada@example.org", now=now, unsubscribe_url=UNSUBSCRIBE_URL
            )
            found = check_digest(dressed, pressing, digest, UNSUBSCRIBE_URL, raw)
            yield Checked(f"{each}, {tag}", digest.html, found)


def _news(
    newsletter: Newsletter, folder: Path | None, now: datetime
) -> tuple[Newsletter, Mapping[str, Iterable[Article]]]:
    with terminal.progress() as bar:
        task = bar.add_task("Feeds", total=None)
        news = Feeds(folder).news(
            newsletter, now, lambda done, total: bar.update(task, completed=done, total=total)
        )
    for reading in news.failed:
        terminal.note(f"{reading.name}: {reading.error}", style="red")
    return news.newsletter, news.candidates


def _looks(newsletter: Newsletter, look: Looks) -> tuple[Look, ...]:
    if look == "all":
        return LOOKS
    return (newsletter.look if look == "own" else look,)


def _locales(
    newsletter: Newsletter, tags: list[str] | None, folder: Path = locales.FOLDER
) -> tuple[str, ...]:
    for tag in tags or ():
        if not locales.offered(tag, folder, newsletter.id):
            known = ", ".join(locales.available(folder, newsletter.id))
            raise ConfigurationError(f"--locale {tag}: there are words for {known}")
    if tags:
        return tuple(dict.fromkeys(tags))
    from courant.editions.wording import direction

    other = _LEFT_TO_RIGHT if direction(newsletter.language) == "rtl" else _RIGHT_TO_LEFT
    return (newsletter.language, other)


def _as_json(file: Path, pages: list[Checked]) -> dict[str, Any]:
    return {
        "file": str(file),
        "pages": [
            {
                "name": page.name,
                "bytes": len(page.html.encode()),
                "findings": [asdict(finding) for finding in page.findings],
            }
            for page in pages
        ],
        **_counts(pages),
    }


def _counts(pages: list[Checked]) -> dict[str, int]:
    found = Counter(finding.severity for page in pages for finding in page.findings)
    return {severity: found[severity] for severity in SEVERITIES}


def _print(page: Checked, *, notes: bool) -> None:
    shown = [each for each in page.findings if notes or each.severity != "note"]
    hidden = len(page.findings) - len(shown)
    size = f"{len(page.html.encode()):,} bytes"
    if not shown:
        rest = f", {_counted(hidden, 'note')}" if hidden else ""
        terminal.say(f"{page.name}: nothing to mend ({size}{rest})", style="green")
        return
    terminal.say(f"{page.name} ({size})", style="bold")
    for finding in shown:
        place = finding.place
        if page.file is not None:
            place = place.replace("digest.html", str(page.file), 1)
        line = f"  {place}  {finding.severity} {finding.rule}  {finding.message}"
        terminal.say(line, style=_COLOURS[finding.severity])
        if finding.excerpt:
            terminal.say(f"      {finding.excerpt}", style="dim")
    terminal.say()


def _print_sum(pages: list[Checked]) -> None:
    counts = _counts(pages)
    found = ", ".join(_counted(counts[severity], severity) for severity in SEVERITIES)
    terminal.say(f"{_counted(len(pages), 'digest')}: {found}")


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
