"""A newsroom on the local stack: one newsletter, articles without feeds, readers.

Articles are put into the store directly; how they get there is the gather tests' business.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import boto3

from courant import aws
from courant.articles import Article, ArticleStore
from courant.delivery.chunks import Chunk, ChunkStore, Counts
from courant.delivery.ledger import Delivery, Ledger
from courant.editions.model import Edition, PressingRecord
from courant.editions.store import EditionStore
from courant.feeds.store import feed_id
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.schedule import EditionId, Slot
from courant.subscribers.address import AddressKey
from courant.subscribers.model import SHARDS, Consent, Signup
from courant.subscribers.store import SubscriberStore
from desk.stack import Mail, Pumped, Stack
from tests.conftest import HandClock

WORLD, SPORT = "https://feeds.example.org/world", "https://feeds.example.org/sport"


class Newsroom:
    """What tests do to a stack, in an editor's words."""

    def __init__(self, stack: Stack, clock: HandClock) -> None:
        self.stack = stack
        self.clock = clock
        content, ledger = stack.table("content"), stack.table("ledger")
        self.editions = EditionStore(content)
        self.newsletters = NewsletterStore(content)
        self.articles = ArticleStore(content)
        self.subscribers = SubscriberStore(stack.table("subscribers"))
        self.chunks = ChunkStore(ledger)
        self.ledger = Ledger(ledger)
        self.key = AddressKey(aws.secret(stack.outputs()["AddressSecret"])[0])
        self._brought = 0

    def found(self, **changes: object) -> Newsletter:
        """Define the newsletter ``morning``: daily at 07:00 in Amsterdam (06:00 UTC in winter)."""
        newsletter = Newsletter.model_validate(
            {
                "id": "morning",
                "title": "The Morning",
                "description": "News",
                "sender": {
                    "name": "The Morning",
                    "address": "morning@news.example.org",
                    "reply_to": "desk@news.example.org",
                },
                "postal_address": "1 Harbour Street",
                "cadences": {"daily": {"cron": "0 7 * * *", "timezone": "Europe/Amsterdam"}},
                "sections": [
                    {"id": "world", "title": "World", "feeds": [WORLD], "limit": 3},
                    {"id": "sport", "title": "Sport", "feeds": [SPORT], "limit": 3},
                ],
                **changes,
            }
        )
        self.newsletters.put(newsletter, self.clock())
        return newsletter

    def bring(self, count: int, feed: str = WORLD) -> list[str]:
        """New articles, seen now; their ids."""
        articles = []
        for _ in range(count):
            self._brought += 1
            articles.append(
                Article(
                    id=f"{self._brought:032x}",
                    feed_id=feed_id(feed),
                    url=f"https://example.org/{self._brought}",
                    title=f"Headline {self._brought}",
                    summary="What happened.",
                    source="Wire",
                    first_seen=self.clock(),
                    published=self.clock() - timedelta(minutes=self._brought),
                )
            )
        self.articles.put(articles)
        return [article.id for article in articles]

    def subscribe(
        self,
        count: int,
        *,
        slot: Slot | None = None,
        sections: tuple[str, ...] = (),
        prefix: str = "reader",
        **more: Any,
    ) -> list[str]:
        """So many readers ``<prefix><n>@example.com``; their sids."""
        signups = [
            Signup(
                email=f"{prefix}{number}@example.com",
                newsletter="morning",
                slot=slot or Slot("daily"),
                sections=sections,
                consent=Consent("test", self.clock()),
                **more,
            )
            for number in range(count)
        ]
        self.subscribers.subscribe_all(signups, self.clock(), self.key)
        return [self.subscribers.find(signup.email, self.key) or "" for signup in signups]

    def run(self, minutes: int = 3, *, duplicate: bool = False) -> list[Pumped]:
        """Beat each minute and pump until all is quiet."""
        pumped = []
        for _ in range(minutes):
            for _ in range(2 if duplicate else 1):
                self.stack.tick()
            pumped.append(self.stack.pump(duplicate=duplicate))
            self.clock.advance(minutes=1)
        return pumped

    def to(self, hour: int, minute: int = 0, *, day: int | None = None) -> None:
        """Set the clock (UTC)."""
        self.clock.at = self.clock.at.replace(
            hour=hour, minute=minute, second=0, day=day or self.clock.at.day
        )

    def publish(self, request_id: str = "r1", action: str = "send", **more: object) -> Any:
        """An editor's act, through the real function."""
        event = {
            "request_id": request_id,
            "newsletter": "morning",
            "cadence": "daily",
            "action": action,
            **more,
        }
        return self.stack.invoke("publish", event)

    def edition(self, name: str = "morning/daily/2026-11-22") -> Edition:
        """An edition's row."""
        edition = self.editions.get(EditionId.parse(name))
        assert edition is not None, f"there is no edition {name}"
        return edition

    def pressings(self, name: str = "morning/daily/2026-11-22") -> tuple[PressingRecord, ...]:
        return self.editions.pressings(EditionId.parse(name))

    def open_chunks(self, name: str = "morning/daily/2026-11-22") -> tuple[Chunk, ...]:
        return self.chunks.of_edition(EditionId.parse(name))

    def counts(self, name: str = "morning/daily/2026-11-22") -> Counts:
        """The edition's totals: the sum of its chunks."""
        total: Counter[str] = Counter()
        for chunk in self.open_chunks(name):
            for field in ("sent", "skipped", "failed", "unresolved", "had"):
                total[field] += getattr(chunk.counts, field)
        return Counts(**total)

    def rows(self, name: str = "morning/daily/2026-11-22") -> dict[str, Delivery]:
        """The edition's ledger, by sid."""
        edition = EditionId.parse(name)
        return {row.sid: row for shard in SHARDS for row in self.ledger.of_range(edition, shard)}

    def mails(self) -> tuple[Mail, ...]:
        return self.stack.mails()

    def mailed(self) -> Counter[str]:
        """How many mails each address got."""
        return Counter(mail.to[0] for mail in self.stack.mails())

    def purge(self, queue: str) -> None:
        """Lose every message of a queue."""
        boto3.client("sqs").purge_queue(QueueUrl=self.stack.queue(queue).url)

    def at(self) -> datetime:
        return self.clock()


def parse(mail: Mail) -> EmailMessage:
    """A mail as Python reads it."""
    message = message_from_bytes(mail.raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def html_of(mail: Mail) -> str:
    body = parse(mail).get_body(("html",))
    assert body is not None
    return str(body.get_content())


def text_of(mail: Mail) -> str:
    body = parse(mail).get_body(("plain",))
    assert body is not None
    return str(body.get_content())
