"""The demo, assembled: feeds on loopback, the stack, sample readers, and the days that pass.

Nothing here prints or writes files (commands/demo.py and out.py do).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from courant import aws
from courant.clock import stamp
from courant.errors import ConfigurationError
from courant.feeds.store import FeedStore
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.subscribers import items
from courant.subscribers.address import AddressKey
from courant.subscribers.store import SubscriberStore
from desk.demo import outcome, paper
from desk.demo.days import Days, HandClock, day_after, day_start, first_due
from desk.demo.journal import FeedTally, Journal
from desk.demo.readers import Reader, readers
from desk.feed_folder import FeedFolder
from desk.feed_server import Source, feed_server
from desk.mailbox.mails import SentMail, read
from desk.stack import Failure, Stack

# Sample readers joined so long before the demo begins.
_JOINED_BEFORE = timedelta(days=30)
_AT_ONCE = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run. ``at``: when the first day begins (aware), or None for a sensible morning."""

    newsletter: Newsletter
    feeds: Path | None = None
    subscribers: int = 12
    at: datetime | None = None
    days: int = 1


@dataclass(slots=True, kw_only=True)
class Demo:
    """A demo that has been opened. ``names``: the URL in use → what people call the feed."""

    plan: Plan
    newsletter: Newsletter
    names: Mapping[str, str]
    source: Source
    begin: datetime
    stack: Stack
    days: Days
    journal: Journal
    readers: Sequence[Reader]
    tally: FeedTally = field(default_factory=FeedTally)
    started: float = field(default_factory=time.monotonic)

    def sign_up(self, progress: Callable[[int], None] = lambda _: None) -> None:
        """Put newsletter, feeds and readers in place; ``progress`` hears how many more.

        Raises:
            ConfigurationError: the newsletter is too big for its row.
        """
        now = self.days.clock.at
        content = self.stack.table("content")
        try:
            NewsletterStore(content).put(self.newsletter, now)
        except ClientError as error:
            raise ConfigurationError(
                f"{len(self.newsletter.feeds)} feeds are more than one newsletter can hold"
            ) from error
        feeds = FeedStore(content)
        for url in self.newsletter.feeds:
            feeds.register(url, now)
        table = self.stack.table("subscribers")
        store = SubscriberStore(table)
        key = AddressKey(aws.secret(self.stack.outputs()["AddressSecret"])[0])
        for start in range(0, len(self.readers), _AT_ONCE):
            some = self.readers[start : start + _AT_ONCE]
            store.subscribe_all([reader.signup for reader in some], now - _JOINED_BEFORE, key)
            for reader in some:
                sid = store.find(reader.signup.email, key) if reader.left or reader.paused else None
                if sid and reader.left:
                    store.unsubscribe(sid, self.newsletter.id, "link", now - timedelta(days=1))
                elif sid:
                    # Readers can't pause by themselves yet; what deliver reads is this attribute.
                    table.update_item(
                        Key=items.membership_key(self.newsletter.id, reader.signup.slot, sid),
                        UpdateExpression="SET paused_until = :until",
                        ExpressionAttributeValues={":until": stamp(now + timedelta(days=3650))},
                    )
            progress(len(some))

    def pass_day(self, number: int) -> list[SentMail]:
        """Let day ``number`` (from 1) pass; its mails."""
        before = len(self.stack.mails())
        self.days.pass_day(*self.day(number))
        addresses = [reader.signup.email for reader in self.readers]
        return list(read(self.stack.mails()[before:], number, addresses))

    def day(self, number: int) -> tuple[datetime, datetime]:
        """When a day begins and ends."""
        return tuple(  # type: ignore[return-value]  # two of them
            day_after(self.newsletter, self.begin, n) for n in (number - 1, number)
        )

    def absent(self) -> Mapping[str, int]:
        """Why sample readers are in no edition so far, and how many."""
        slots = {reader.signup.slot.cadence for reader in self.readers}
        editions = outcome.editions(self.stack, self.newsletter)
        waiting = slots - {edition["cadence"] for edition in editions}
        found: Counter[str] = Counter()
        for reader in self.readers:
            if reader.left:
                found["had unsubscribed before"] += 1
            elif (cadence := reader.signup.slot.cadence) in waiting:
                found[f"chose “{cadence}”, not due yet"] += 1
        return found

    def next_due(self) -> datetime | None:
        """When something is due after the clock's now."""
        slots = {reader.signup.slot for reader in self.readers}
        return first_due(self.newsletter, slots, self.days.clock.at)

    @property
    def dead(self) -> Sequence[Failure]:
        """Messages that no handler could work on."""
        return self.days.dead

    def report(self) -> dict[str, Any]:
        """report.json."""
        seconds = time.monotonic() - self.started
        return outcome.report(
            self.stack, self.newsletter, self.tally, self.names, self.dead, seconds
        )

    def editions(self) -> list[dict[str, Any]]:
        """edition.json."""
        return outcome.editions(self.stack, self.newsletter)


@contextmanager
def opened(plan: Plan, now: datetime) -> Iterator[Demo]:
    """A demo on a stack of its own, as long as the block runs. ``now`` is today.

    Raises:
        ConfigurationError: ``feeds`` is no folder of feeds, or too big a one.
    """
    started = time.monotonic()
    folder = FeedFolder(plan.feeds) if plan.feeds else None
    people = tuple(readers(plan.newsletter, plan.subscribers, plan.at or now))
    slots = {reader.signup.slot for reader in people}
    begin = plan.at or day_start(plan.newsletter, slots, now)
    due = first_due(plan.newsletter, slots, begin - timedelta(seconds=1))
    clock = HandClock(begin.astimezone(UTC))
    source = folder or paper.Paper((due or begin).astimezone(UTC).date(), clock)
    journal = Journal()
    with feed_server(source) as server, journal.listening():
        newsletter, names = _served(plan.newsletter, folder, server.url)
        if folder:
            # Sections are others now, so the readers choose anew.
            people = tuple(readers(newsletter, plan.subscribers, plan.at or now))
        with Stack(
            clock,
            site_url=paper.SITE,
            sender_domain=newsletter.sender.domain,
            open_ports=[server.port],
            # Files that lie in a folder are as old as they are.
            backlog=folder is not None,
        ) as stack:
            demo = Demo(
                plan=plan,
                newsletter=newsletter,
                names=names,
                source=source,
                begin=begin,
                stack=stack,
                days=Days(stack, clock, newsletter),
                journal=journal,
                readers=people,
                started=started,
            )
            journal.heard.append(
                lambda event: demo.tally.add(event) if event["event"] == "gather" else None
            )
            yield demo


def _served(
    newsletter: Newsletter, folder: FeedFolder | None, server: str
) -> tuple[Newsletter, dict[str, str]]:
    """The newsletter on feeds of this machine, and what each URL stands for."""
    data = newsletter.model_dump()
    if folder:
        names = {server + file.url_path: file.name for file in folder.files}
        data["sections"] = [
            section.model_dump() for section in folder.sections(lambda f: server + f.url_path)
        ]
    else:
        local = {url: url.replace(paper.SITE + "/", server + "/", 1) for url in newsletter.feeds}
        names = {here: url for url, here in local.items()}
        for section in data["sections"]:
            section["feeds"] = [local[url] for url in section["feeds"]]
    return Newsletter.model_validate(data), names
