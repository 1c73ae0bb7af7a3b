"""Nothing is news twice, whatever a feed does and whenever a gatherer dies.

A machine of hypothesis changes a feed, lets time pass, and lets visits die before or after any of
their calls to DynamoDB; a model of four lines says what may be new.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import hypothesis.strategies as st
import pytest
from botocore.client import BaseClient
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from moto import mock_aws

from courant.articles import ArticleStore
from courant.errors import FeedUnreachable
from courant.feeds.document import read_document
from courant.feeds.fetching.fetch import Fetched, FetchFailed, FetchOutcome, NotModified
from courant.feeds.gather import Gatherer
from courant.feeds.row import Feed as Row
from courant.feeds.store import REMEMBERED, FeedStore
from tests import content_table

pytestmark = pytest.mark.slow

URL = "https://example.org/feed"
NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
# Few enough never to be a flood; without dates, so that age plays no part.
NAMES = [f"article {letter}" for letter in "abcdefg"]


class Died(Exception):
    """The gatherer's process is gone."""


class Feed(RuleBasedStateMachine):
    """A feed, its gatherer, and what may be news."""

    @initialize()
    def begin(self) -> None:
        self.aws = mock_aws()
        self.aws.start()
        self.table: Any = content_table.make()
        self.feeds, self.articles = FeedStore(self.table), ArticleStore(self.table)
        fetcher: Any = self
        self.gatherer = Gatherer(self.feeds, self.articles, fetcher, fetcher)
        self.read_feed = read_document
        self.now = NOW
        self.id = self.feeds.register(URL, NOW)
        self.names: list[str] = []
        self.answer: FetchOutcome = NotModified()
        # The model: what the last finished visit saw, and when what is no longer there left.
        self.present: set[str] = set()
        self.left: dict[str, datetime] = {}
        # Told by visits that died, and not yet by one that came to its end.
        self.told: set[str] = set()
        self.begun = NOW
        self.rows: set[tuple[str, datetime]] = set()
        self.was_read = False

    def teardown(self) -> None:
        if hasattr(self, "aws"):
            self.aws.stop()

    def fetch(self, *_: Any, **__: Any) -> FetchOutcome:
        return self.answer

    @rule(names=st.lists(st.sampled_from(NAMES), unique=True))
    def change(self, names: list[str]) -> None:
        self.names = names

    @rule(days=st.sampled_from([1, 30, 179, 181, 400]))
    def pass_time(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def expire(self) -> None:
        """DynamoDB deletes what its TTL says, some time after."""
        for item in self.table.scan()["Items"]:
            if item["SK"].startswith("I#") and item["ttl"] < self.now.timestamp():
                self.table.delete_item(Key={"PK": item["PK"], "SK": item["SK"]})

    @rule(dies_at=st.none() | st.integers(0, 5), afterwards=st.booleans())
    def visit(self, dies_at: int | None, afterwards: bool) -> None:
        items = "".join(
            f"<item><title>{name}</title><link>https://example.org/{name[-1]}</link>"
            f"<guid>{name}</guid></item>"
            for name in self.names
        )
        # Never the same body: an unchanged one is the next rule's.
        title = f"<title>{self.now}</title><link>https://example.org/</link>"
        body = f"<rss version='2.0'><channel>{title}{items}</channel></rss>".encode()
        self.go(Fetched(body=body, content_type="", url=URL), dies_at, afterwards=afterwards)

    @precondition(lambda self: self.was_read)
    @rule(dies_at=st.none() | st.integers(0, 2), broken=st.booleans())
    def visit_without_news(self, dies_at: int | None, broken: bool) -> None:
        failed = FetchFailed(FeedUnreachable(URL, "it answered 500"), 500)
        self.go(failed if broken else NotModified(), dies_at, afterwards=False)

    def go(self, answer: FetchOutcome, dies_at: int | None, *, afterwards: bool) -> None:
        row = self.feeds.get(self.id)
        assert row is not None
        assert row.due_at is not None
        self.now = max(self.now, row.due_at)
        self.begun = row.begun_at or self.now
        self.answer = answer
        calls = 0
        make = BaseClient._make_api_call  # type: ignore[attr-defined]

        def dying(client: Any, operation: str, params: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls - 1 == dies_at and not afterwards:
                raise Died
            reply = make(client, operation, params)
            if calls - 1 == dies_at:
                raise Died
            return reply

        with suppress(Died), mock.patch.object(BaseClient, "_make_api_call", dying):
            self.gatherer.gather(self.id, self.now)
        # The row is written last: it says whether the visit came to its end.
        after = self.feeds.get(self.id)
        assert after is not None
        self.check_news(after, finished=after.lease_until is None and after.fetched_at == self.now)

    def check_news(self, after: Row, *, finished: bool) -> None:
        rows = {
            (article.title, article.first_seen)
            for article in self.articles.seen_between(self.id, NOW, self.now)
        }
        new = [name for name, _ in rows - self.rows]
        self.rows = rows
        for name in new:
            assert name in self.names
            assert name not in self.present, "it was there all the time"
            assert name not in self.left or self.now - self.left[name] >= REMEMBERED
            # A gatherer that dies for half a day may tell twice what no edition has told yet.
            assert name not in self.told or self.now - self.begun > timedelta(hours=12)
        assert len(new) == len(set(new))
        self.told |= set(new)
        if finished:
            self.told.clear()
            if isinstance(self.answer, Fetched):
                self.left |= dict.fromkeys(self.present - set(self.names), self.now)
                self.present = set(self.names)
                self.was_read = True
        assert len(after.present) == 2 * len(self.present)


TestNothingIsNewsTwice = Feed.TestCase
TestNothingIsNewsTwice.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    # Every step asks moto: to shrink a failure takes minutes. Add Phase.shrink to look into one.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
