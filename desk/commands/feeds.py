"""``courant feeds check``: which feeds a newsletter may live on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import groupby
from multiprocessing.pool import ThreadPool
from operator import itemgetter
from pathlib import Path
from typing import Annotated

import typer

from courant import clock
from courant.articles import Article
from courant.feeds.cleaning.clean import plain_text
from courant.feeds.fetching.fetch import Fetcher
from courant.feeds.sandbox.sandbox import Sandbox
from desk import newsletter_file, offline
from desk.commands import terminal
from desk.commands.terminal import AsJson, Exit
from desk.feed_facts import Facts, judge, rhythm
from desk.feed_look import NO_SITE, Look, Looker, is_file
from desk.feed_timing import Timing

CHECK_EXAMPLES = terminal.epilog(
    "courant feeds check https://www.theguardian.com/world/rss",
    "courant feeds check theguardian.com                     finds the feed of a site",
    "courant feeds check saved-feeds/*.xml --articles 0      files, as if they were served",
    "courant feeds check newsletters/morning.yaml            all the feeds of a newsletter",
    "courant feeds check https://example.org/feed --json",
    more="Needs no AWS: this machine asks, by the same rules as the deployed gatherer. Exit code "
    "0 if all can be used, 1 if one can't. Ctrl-C shows those that are done.",
)
_AT_ONCE = 8
_SUMMARY_CHARS = 110
_FEEDS_SHOWN = 8
_ARTICLES = 3
# As document.py says why an entry is no article.
_DROP = re.compile(r"Entry \d+(?: (“.*”))? has (.*)\.")


def check(
    addresses: Annotated[
        list[str],
        typer.Argument(help="Feeds, sites, feed files, or newsletter files.", metavar="ADDRESS"),
    ],
    *,
    articles: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=500,
            help="How many of a feed's articles to show.",
            show_default="3; with --json all",
        ),
    ] = None,
    contact: Annotated[
        str,
        typer.Option(
            metavar="URL", envvar="COURANT_CONTACT", help="Tells servers' owners who asks."
        ),
    ] = "https://courant.example",
    open_port: Annotated[
        list[int] | None,
        typer.Option(
            "--open-port", metavar="N", help="A loopback port that feeds may be fetched from."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read feeds as they would be gathered, and say what is in them and what is not.

    A site's address will do: its feed is looked for. A newsletter file stands for its feeds.
    """
    fetcher = Fetcher(contact_url=contact, open_ports=frozenset(open_port or ()))
    wanted = [one for address in addresses for one in _expanded(address)]
    found = _check(wanted, fetcher)
    if as_json:
        terminal.show([facts.as_json(articles) for facts in found])
    else:
        shown = _ARTICLES if articles is None else articles
        for number, facts in enumerate(found):
            if number:
                terminal.say()
            for style, lines in groupby(told(facts, shown), key=itemgetter(1)):
                terminal.say("\n".join(line for line, _ in lines), style=style)
    if len(found) < len(wanted):
        terminal.note(f"Stopped. {len(found)} of {len(wanted)} were looked at.")
        raise typer.Exit(Exit.PARTLY)
    if hint := offline.hint((one.look.url, one.look.error) for one in found):
        terminal.note(hint, style="yellow")
    if any(facts.error for facts in found):
        raise typer.Exit(Exit.FAILED)


def _expanded(address: str) -> tuple[str, ...]:
    """A newsletter file stands for its feeds."""
    path = Path(address)
    if path.suffix.lower() in {".yaml", ".yml"} and is_file(address):
        return newsletter_file.load(path).feeds
    return (address,)


def _check(addresses: Sequence[str], fetcher: Fetcher) -> list[Facts]:
    """In the order of the addresses; after Ctrl-C, those that were done."""
    now = clock.now()
    workers = min(_AT_ONCE, len(addresses))
    looks: dict[int, Look] = {}
    # This pool's threads are daemons: who stops it doesn't wait for servers that don't answer.
    with (
        Sandbox(workers=min(2, workers)) as sandbox,
        ThreadPool(workers) as pool,
        terminal.progress() as bar,
    ):
        looker = Looker(fetcher, sandbox.read_feed, now)

        def look(number: int) -> tuple[int, Look]:
            return number, looker.look(addresses[number])

        jobs = pool.imap_unordered(look, range(len(addresses)))
        with suppress(KeyboardInterrupt):
            looks.update(bar.track(jobs, total=len(addresses), description="Feeds"))
    return [judge(looks[number], now) for number in sorted(looks)]


def told(facts: Facts, articles: int) -> Iterator[tuple[str, str | None]]:
    """What is said of a feed: lines and their styles."""
    look = facts.look
    # Addresses come from strangers, too: nothing of them may steer the terminal.
    yield plain_text(look.url) or "“”", "bold"
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
        if facts.articles and facts.timing:
            yield f"  would be asked {_pace(facts.timing)}{_news(facts)}", None
        if facts.lacking:
            lacking = ", ".join(f"{name} {count}" for name, count in facts.lacking)
            yield f"  articles without: {lacking}", None
    for drop in _grouped(facts.drops):
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
    are = "is" if facts.news == 1 else "are"
    return f"; when it is added, {facts.news} of its articles {are} recent enough to be news"


def _pace(timing: Timing) -> str:
    text = f"every {_length(timing.every)}"
    if timing.is_stretched:
        text += ", because it is silent"
    return text + (f", but {timing.hours}, as it asks" if timing.hours else "")


def _grouped(drops: Iterable[str]) -> Iterator[str]:
    """Entries that lack the same, in one sentence."""
    alike: dict[str, list[str]] = {}
    for drop in drops:
        match = _DROP.fullmatch(drop)
        alike.setdefault(match[2] if match else drop, []).append(drop)
    for lack, some in alike.items():
        if len(some) == 1:
            yield some[0]
            continue
        names = [match[1] for drop in some if (match := _DROP.fullmatch(drop)) and match[1]]
        such = f", such as {names[0]}" if names else ""
        yield f"{len(some)} entries have {lack}{such}."


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
