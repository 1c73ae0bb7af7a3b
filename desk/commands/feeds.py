"""``courant feeds check`` and ``courant feeds import``: which feeds a newsletter may live on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated

import typer

from courant import clock
from courant.articles import Article
from courant.errors import ConfigurationError
from courant.feeds.cleaning.clean import plain_text
from courant.feeds.fetching.fetch import Fetcher
from courant.feeds.sandbox.sandbox import Sandbox
from desk import newsletter_draft, newsletter_file, opml
from desk.commands import terminal
from desk.commands.terminal import AsJson, Exit
from desk.feed_facts import Facts, judge, rhythm
from desk.feed_look import NO_SITE, Looker, is_file

CHECK_EXAMPLES = terminal.epilog(
    "courant feeds check https://www.theguardian.com/world/rss",
    "courant feeds check theguardian.com                     finds the feed of a site",
    "courant feeds check saved-feeds/*.xml --articles 0      files, as if they were served",
    "courant feeds check newsletters/morning.yaml            all the feeds of a newsletter",
    "courant feeds check https://example.org/feed --json",
    more="Needs no AWS: this machine asks, by the same rules as the deployed gatherer. Exit code "
    "0 if all can be used, 1 if one can't.",
)
IMPORT_EXAMPLES = terminal.epilog(
    "courant feeds import subscriptions.opml",
    "courant feeds import subscriptions.opml --out newsletters/mine.yaml",
    more="Any feed reader exports OPML. Folders become sections, and 'courant validate' then names "
    "what is left to fill in: who sends the newsletter, and from where.",
)
_AT_ONCE = 8
_SUMMARY_CHARS = 110
_FEEDS_SHOWN = 8


def check(
    addresses: Annotated[
        list[str],
        typer.Argument(help="Feeds, sites, feed files, or newsletter files.", metavar="ADDRESS"),
    ],
    *,
    articles: Annotated[
        int, typer.Option(min=0, max=500, help="How many of a feed's articles to show.")
    ] = 3,
    contact: Annotated[
        str,
        typer.Option(
            metavar="URL", envvar="COURANT_CONTACT", help="Tells servers' owners who asks."
        ),
    ] = "https://courant.example",
    open_port: Annotated[
        list[int] | None,
        typer.Option("--open-port", help="A loopback port that feeds may be fetched from."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read feeds as they would be gathered, and say what is in them and what is not.

    A site's address will do: its feed is looked for. A newsletter file stands for its feeds.
    """
    fetcher = Fetcher(contact_url=contact, open_ports=frozenset(open_port or ()))
    found = _check([one for address in addresses for one in _expanded(address)], fetcher)
    if as_json:
        terminal.show([facts.as_json() for facts in found])
    else:
        for number, facts in enumerate(found):
            if number:
                terminal.say()
            for style, lines in groupby(told(facts, articles), key=itemgetter(1)):
                terminal.say("\n".join(line for line, _ in lines), style=style)
    if any(facts.error for facts in found):
        raise typer.Exit(Exit.FAILED)


def _expanded(address: str) -> tuple[str, ...]:
    """A newsletter file stands for its feeds."""
    path = Path(address)
    if path.suffix.lower() in {".yaml", ".yml"} and is_file(address):
        return newsletter_file.load(path).feeds
    return (address,)


def _check(addresses: Sequence[str], fetcher: Fetcher) -> list[Facts]:
    """In the order of the addresses."""
    now = clock.now()
    workers = min(_AT_ONCE, len(addresses))
    with (
        Sandbox(workers=min(2, workers)) as sandbox,
        ThreadPoolExecutor(workers) as pool,
        terminal.progress() as bar,
    ):
        looker = Looker(fetcher, sandbox.read_feed, now)
        jobs = [pool.submit(looker.look, address) for address in addresses]
        for _ in bar.track(as_completed(jobs), total=len(jobs), description="Feeds"):
            pass
        return [judge(job.result(), now) for job in jobs]


def told(facts: Facts, articles: int) -> Iterator[tuple[str, str | None]]:
    """What is said of a feed: lines and their styles."""
    look = facts.look
    # Addresses come from strangers, too: nothing of them may steer the terminal.
    yield plain_text(look.url), "bold"
    if look.page:
        yield f"  found on the page {plain_text(look.page)}", None
    elif look.url != look.asked and not look.is_file:
        yield f"  asked for as {plain_text(look.asked)}", None
    if facts.error:
        yield f"  Can't be used: {plain_text(facts.error)}.", "red"
        if facts.error.endswith("(OPML), not a feed"):
            yield "  'courant feeds import' makes a newsletter of such a list.", None
    if look.document:
        yield f"  {_how_it_was_read(facts)}", None
        yield f"  {_what_is_in_it(facts)}", None
        if facts.newest and facts.oldest:
            yield f"  {_when(facts)}", None
        if facts.articles and facts.visited_every:
            yield f"  would be asked every {_length(facts.visited_every)}{_news(facts)}", None
        if facts.lacking:
            lacking = ", ".join(f"{name} {count}" for name, count in facts.lacking)
            yield f"  articles without: {lacking}", None
    for drop in facts.drops:
        yield f"  dropped: {plain_text(drop)}", "yellow"
    if (more := facts.dropped - len(facts.drops)) and facts.drops:
        yield f"  … and {more} more", "yellow"
    for warning in facts.warnings:
        yield f"  ! {plain_text(warning)}", "yellow"
    yield from _other_feeds(facts)
    for article in facts.articles[:articles]:
        yield from _article(article)
    if articles and (more := len(facts.articles) - articles) > 0:
        yield f"  … and {more} more", None


def _how_it_was_read(facts: Facts) -> str:
    look = facts.look
    title = look.document.title if look.document else ""
    parts = (
        f"“{title}”" if title else "",
        facts.kind,
        look.markup.encoding if look.markup else "",
        _size(look.size or 0),
        f"{look.seconds:.1f} s",
    )
    return ", ".join(filter(None, parts))


def _what_is_in_it(facts: Facts) -> str:
    usable = len(facts.articles)
    text = f"{facts.entries} entr{'y' if facts.entries == 1 else 'ies'}"
    text += f", {usable} usable article{'' if usable == 1 else 's'}"
    return text + (f", {facts.dropped} dropped" if facts.dropped else "")


def _when(facts: Facts) -> str:
    first, last = (f"{day:%Y-%m-%d}" for day in (facts.oldest, facts.newest) if day)
    text = f"of {first}" if first == last else f"from {first} to {last}"
    # A feed that fell silent has a warning, which says what it brought before.
    if facts.a_week is None or facts.is_silent:
        return text
    return f"{text}, {rhythm(facts.a_week)}"


def _news(facts: Facts) -> str:
    if not facts.held_back:
        return "; when it is added, all of it is news"
    if not facts.news:
        return "; when it is added, nothing of it is recent enough to be news"
    return f"; when it is added, {facts.news} of its articles are recent enough to be news"


def _length(span: timedelta) -> str:
    minutes = round(span / timedelta(minutes=1))
    return f"{minutes} minutes" if minutes < 100 else f"{round(minutes / 60)} hours"


def _other_feeds(facts: Facts) -> Iterator[tuple[str, str | None]]:
    others = [one for one in facts.look.named if one.url != facts.look.url]
    if not others:
        return
    yield ("  the page also names:" if facts.look.document else "  the page names:"), None
    for one in others[:_FEEDS_SHOWN]:
        words = ", ".join(filter(None, (one.title, one.kind)))
        where = plain_text(one.url.removeprefix(NO_SITE))
        yield f"    {where}" + (f"  ({words})" if words else ""), None


def _article(article: Article) -> Iterator[tuple[str, str | None]]:
    when = f"{article.published:%Y-%m-%d %H:%M}" if article.published else "no date"
    yield "", None
    yield f"  {article.title}", "bold"
    picture = ", with a picture" if article.image else ""
    author = f", by {article.author}" if article.author else ""
    yield f"    {when}{author}{picture}", None
    if article.summary:
        cut = article.summary[:_SUMMARY_CHARS].rstrip()
        yield f"    {cut}{'…' if len(article.summary) > _SUMMARY_CHARS else ''}", None
    yield f"    {article.url}", None


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def import_(
    file: Annotated[
        Path, typer.Argument(help="A list of feeds, as readers export it.", metavar="FILE.opml")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="Write here instead of stdout.", dir_okay=False, show_default=False),
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


def _write(out: Path, text: str, *, force: bool) -> None:
    try:
        with out.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigurationError(f"{out} is there already; --force writes over it") from error
    except OSError as error:
        raise ConfigurationError(f"{out}: {error.strerror or error}") from error
