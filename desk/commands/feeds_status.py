"""``courant feeds status``: how the feeds of a stack are, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Annotated, Any

import typer

from courant import clock
from courant.feeds import pace
from courant.feeds.cleaning.clean import plain_text
from courant.feeds.row import Feed
from courant.feeds.store import FeedStore, feed_id
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from desk import deployment
from desk.commands import terminal
from desk.commands.terminal import AsJson, StackName

EXAMPLES = terminal.epilog(
    "courant feeds status",
    "courant feeds status morning --failing",
    "courant feeds status --json | jq '.[] | select(.state == \"failing\") | .url'",
    more="failing: the last visits brought nothing; it is asked again, less and less often. gone: "
    "its server said so (410), and it is asked no more; take it out, or apply without and "
    "with it to try again. late: nobody came when it was due; look at the gatherer. moved: it "
    "answers from another address for good; write that one into the newsletter.",
)

# The heartbeat comes each minute, a queue may hold a visit up for a few.
_LATE = timedelta(minutes=30)


class State(IntEnum):
    """How a feed is; the greater, the better."""

    GONE = 0
    FAILING = 1
    LATE = 2
    MOVED = 3
    NEW = 4
    OK = 5

    @property
    def needs_somebody(self) -> bool:
        """Whether an editor or an operator should look at it."""
        return self < State.NEW


@dataclass(frozen=True, slots=True)
class Health:
    """One feed of the newsletters: how it is, and its row if it ever had one."""

    url: str
    newsletters: tuple[str, ...]
    state: State
    row: Feed | None
    a_week: float

    @property
    def remark(self) -> str:
        """What there is to know, as a sentence."""
        row = self.row
        if row is None:
            return "it has no row; 'courant apply' makes one"
        match self.state:
            case State.GONE:
                return f"gone since {_minute(row.gone_at)}: its server says for good (410)"
            case State.FAILING:
                return f"since {_minute(row.failing_since)}, {_times(row.failures)}: {row.error}"
            case State.LATE:
                return "it was due, and nobody came"
            case State.MOVED:
                return f"write its new address: {row.address}"
            case _:
                return row.note or ""

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
            "articles_a_week": round(self.a_week, 2),
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
        terminal.table(
            ("state", "feed", "read (UTC)", "next (UTC)", "remark", "a week"),
            map(_row, shown),
            numbers=1,
        )
        terminal.say()
    terminal.say(_summary(found))


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
        a_week = pace.articles_a_week(row.weeks, now) if row else 0.0
        yield Health(url, tuple(homes[id_]), _state(row, now), row, a_week)


def _state(row: Feed | None, now: datetime) -> State:
    if row is None:
        return State.NEW
    if row.gone_at:
        return State.GONE
    if row.error:
        return State.FAILING
    if row.due_at and now - row.due_at > _LATE:
        return State.LATE
    if row.address:
        return State.MOVED
    return State.OK if row.fetched_at else State.NEW


def _since(health: Health) -> str:
    row = health.row
    return _iso(row.gone_at or row.failing_since) or "" if row else ""


def _row(health: Health) -> tuple[str, ...]:
    row = health.row
    # What servers say is shown, not obeyed.
    name = f"{plain_text(row.title)}\n" if row and row.title else ""
    return (
        health.state.name.lower(),
        f"{name}{plain_text(health.url)}",
        _minute(row.fetched_at) if row else "never",
        _minute(row.due_at) if row and row.due_at and not row.gone_at else "",
        plain_text(health.remark),
        f"{health.a_week:.1f}" if row and row.fetched_at else "",
    )


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


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
