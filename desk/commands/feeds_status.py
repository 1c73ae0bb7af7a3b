"""``courant feeds status``: how the feeds of a stack are, worst first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.text import Text

from courant import clock
from courant.feeds import health, pace
from courant.feeds.cleaning.clean import plain_text
from courant.feeds.health import State
from courant.feeds.row import Feed, host_of
from courant.feeds.store import FeedStore, feed_id
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from desk import deployment, feed_facts, offline
from desk.commands import terminal
from desk.commands.terminal import AsJson, StackName

EXAMPLES = terminal.epilog(
    "courant feeds status",
    "courant feeds status morning --failing",
    "courant feeds status --json | jq '.[] | select(.state == \"failing\") | .url'",
    more="failing: the last visits brought nothing; it is asked again, less and less often. gone: "
    "its server said so (410), and it is asked no more; take it out, or apply without and "
    "with it to try again. empty: it answers, but nothing in it can be used; 'courant feeds "
    "check' says why. late: nobody came when it was due; look at the gatherer. moved: it "
    "answers from another address for good; write that one into the newsletter.",
)

# After this nobody speaks of a pause any more, however seldom a feed brings something.
_MONTHS = timedelta(days=90)
_WIDTH, _NAME_WIDTH, _INDENT = 100, 45, " " * 9


@dataclass(frozen=True, slots=True)
class Health:
    """One feed of the newsletters: how it is, and its row if it ever had one.

    ``a_week`` are its articles a week, None where nothing of it was ever read. ``silence`` says
    that it brings nothing any more, and since when.
    """

    url: str
    newsletters: tuple[str, ...]
    state: State
    row: Feed | None
    a_week: float | None
    silence: str | None

    @property
    def remark(self) -> str:
        """What there is to know, as a sentence."""
        row = self.row
        if row is None:
            return "it has no row; 'courant apply' makes one"
        wrong = health.trouble(row, self.state)
        return wrong or " ".join(filter(None, (self.silence, row.note)))

    def as_json(self) -> dict[str, Any]:
        """All of it, for scripts."""
        row = self.row
        return {
            "url": self.url,
            "newsletters": self.newsletters,
            "state": self.state.name.lower(),
            "remark": self.remark,
            "title": row and row.title,
            "fetched_at": row and _iso(row.fetched_at),
            "due_at": row and _iso(row.due_at),
            "failing_since": row and _iso(row.failing_since),
            "failures": row.failures if row else 0,
            "error": row and row.error,
            "gone_at": row and _iso(row.gone_at),
            "address": row and row.address,
            "interval_minutes": row and int(row.interval.total_seconds() // 60),
            "articles_a_week": self.a_week and round(self.a_week, 2),
        }


def status(
    newsletter: Annotated[
        str, typer.Argument(help="A newsletter's id; all if left out.", metavar="NEWSLETTER")
    ] = "",
    *,
    failing: Annotated[
        bool, typer.Option("--failing", help="Only those that somebody should look at.")
    ] = False,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """How the feeds of the applied newsletters are: read when, failing since when, how busy."""
    deployed = deployment.find(stack)
    if newsletter:
        wanted: Iterable[Newsletter] = (deployed.newsletter(newsletter),)
    else:
        wanted = NewsletterStore(deployed.content).all()
    found = sorted(
        _healths(wanted, FeedStore(deployed.content), clock.now()),
        key=lambda one: (one.state, _since(one), one.url),
    )
    shown = [one for one in found if one.state.needs_somebody or not failing]
    if as_json:
        terminal.show([one.as_json() for one in shown])
        return
    if shown:
        terminal.say(_columns("state", "asked (UTC)", "next (UTC)", "a week", "feed"), "bold")
        for one in shown:
            terminal.say("\n".join(_lines(one)))
        terminal.say()
    terminal.say(_summary(found))
    asked = ((one.url, one.row.error if one.row else None) for one in found)
    if hint := offline.hint(asked, "the gatherer"):
        terminal.note(hint, style="yellow")


def _healths(
    newsletters: Iterable[Newsletter], store: FeedStore, now: datetime
) -> Iterator[Health]:
    urls: dict[str, str] = {}
    homes: dict[str, list[str]] = {}
    for one in newsletters:
        for url in one.feeds:
            # Two spellings of an address are one feed.
            id_ = feed_id(url)
            urls.setdefault(id_, url)
            if one.id not in homes.setdefault(id_, []):
                homes[id_].append(one.id)
    rows = store.several(urls)
    for id_, url in urls.items():
        row = rows.get(id_)
        a_week = pace.articles_a_week(row.weeks, now) if row and row.body_hash else None
        yield Health(
            url,
            tuple(homes[id_]),
            health.state_of(row, now),
            row,
            a_week,
            _silence(row, now) if row else None,
        )


def _silence(row: Feed, now: datetime) -> str | None:
    latest = max(filter(None, (row.newest, row.news_at)), default=now)
    # At its longest, the interval no longer tells how seldom a feed brings something.
    quiet = feed_facts.QUIET if row.interval < pace.LONGEST else _MONTHS
    return feed_facts.silence(latest, now) if now - latest > quiet else None


def _since(one: Health) -> str:
    row = one.row
    return _iso(row.gone_at or row.failing_since) or "" if row else ""


def _lines(one: Health) -> Iterator[str]:
    row = one.row
    # What servers say is shown, not obeyed.
    name = Text(plain_text(row.title) if row and row.title else host_of(one.url))
    name.truncate(_NAME_WIDTH, overflow="ellipsis")
    yield _columns(
        one.state.name.lower(),
        _minute(row.fetched_at) if row else "never",
        _minute(row.due_at) if row and row.due_at and not row.gone_at else "",
        "–" if one.a_week is None else f"{one.a_week:.1f}",
        name.plain,
    )
    yield f"{_INDENT}{plain_text(one.url)}"
    if one.remark:
        yield textwrap.fill(
            plain_text(one.remark),
            _WIDTH,
            initial_indent=_INDENT,
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _columns(state: str, asked: str, due: str, a_week: str, feed: str) -> str:
    return f"{state:7}  {asked:16}  {due:16}  {a_week:>6}  {feed}"


def _summary(found: list[Health]) -> str:
    if not found:
        return "No feed yet; 'courant apply' brings them."
    counts = {state: sum(one.state is state for one in found) for state in State}
    parts = [f"{count} {state.name.lower()}" for state, count in counts.items() if count]
    return f"{len(found)} feed{'' if len(found) == 1 else 's'}: {', '.join(parts)}"


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else "never"


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
