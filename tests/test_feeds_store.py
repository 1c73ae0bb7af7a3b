"""Feeds in the content table: due, claimed, finished, remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from courant.errors import Conflict
from courant.feeds.store import LEASE, Feed, FeedStore, feed_id

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

URL = "https://example.org/feed"
ID = feed_id(URL)
NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.resource("dynamodb", region_name="eu-west-1").create_table(
            TableName="content",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "PK", "KeyType": "HASH"},
                {"AttributeName": "SK", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in ("PK", "SK", "due_kind", "due_at")
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "due",
                    "KeySchema": [
                        {"AttributeName": "due_kind", "KeyType": "HASH"},
                        {"AttributeName": "due_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )


@pytest.fixture
def feeds(table: Table) -> FeedStore:
    return FeedStore(table, pause=lambda _: None)


def claimed(feeds: FeedStore, now: datetime = NOW) -> Feed:
    feed = feeds.claim(ID, now)
    assert feed is not None
    return feed


def test_feed_id_is_the_urls_whatever_case_its_host_is_in() -> None:
    assert feed_id("HTTPS://Example.org") == feed_id(" https://example.org/")
    assert feed_id("https://example.org/Feed") != feed_id("https://example.org/feed")
    assert len(ID) == 32


def test_registered_feed_is_due_at_once(feeds: FeedStore) -> None:
    assert feeds.register(URL, NOW) == ID

    assert feeds.due(NOW, 10) == (ID,)
    assert feeds.due(NOW - timedelta(seconds=1), 10) == ()


def test_registering_again_keeps_the_turn(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    feeds.finish(claimed(feeds), Feed(id=ID, url=URL, due_at=LATER))

    feeds.register(URL, NOW)

    assert feeds.due(NOW, 10) == ()
    assert feeds.due(LATER, 10) == (ID,)


def test_due_feeds_come_longest_waiting_first_and_no_more_than_asked(feeds: FeedStore) -> None:
    ids = [feeds.register(f"https://example.org/{n}", NOW - timedelta(minutes=n)) for n in range(5)]

    assert feeds.due(NOW, 3) == (ids[4], ids[3], ids[2])
    assert len(feeds.due(NOW, 10)) == 5


def test_dropped_feed_is_not_due_and_can_come_back(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    feeds.finish(claimed(feeds), Feed(id=ID, url=URL, etag='"a"', due_at=LATER))

    feeds.drop(URL)

    assert feeds.due(LATER, 10) == ()
    assert feeds.claim(ID, LATER) is None
    feeds.register(URL, NOW)
    assert feeds.due(NOW, 10) == (ID,)
    assert claimed(feeds).etag == '"a"'


def test_dropping_an_unknown_feed_makes_no_row(feeds: FeedStore) -> None:
    feeds.drop(URL)

    assert feeds.get(ID) is None


def test_feed_dropped_while_it_is_gathered_stays_dropped(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    feed = claimed(feeds)

    feeds.drop(URL)
    feeds.finish(feed, Feed(id=ID, url=URL, due_at=LATER))

    assert feeds.due(LATER, 10) == ()


def test_two_gatherers_never_have_the_same_feed(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)

    assert feeds.claim(ID, NOW) is not None
    assert feeds.claim(ID, NOW) is None
    assert feeds.due(NOW, 10) == ()


def test_feed_of_a_dead_gatherer_is_due_when_its_lease_has_run_out(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    dead = claimed(feeds)

    assert feeds.due(NOW + LEASE, 10) == (ID,)
    alive = claimed(feeds, NOW + LEASE)

    with pytest.raises(Conflict):
        feeds.finish(dead, Feed(id=ID, url=URL, title="late", due_at=LATER))
    feeds.finish(alive, Feed(id=ID, url=URL, title="right", due_at=LATER))
    found = feeds.get(ID)
    assert found is not None
    assert found.title == "right"


def test_feed_that_is_not_due_is_not_claimed(feeds: FeedStore) -> None:
    feeds.register(URL, LATER)

    assert feeds.claim(ID, NOW) is None
    assert feeds.claim(feed_id("https://nobody.example/"), NOW) is None


def test_everything_finished_is_read_back(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    outcome = Feed(
        id=ID,
        url=URL,
        title="News",
        etag='"a"',
        last_modified="yesterday",
        body_hash="00ff",
        present=frozenset({"00" * 8, "ab" * 8, "ff" * 8}),
        failures=2,
        error="it answered 404 Not Found",
        failing_since=NOW,
        fetched_at=NOW,
        due_at=LATER,
    )

    feeds.finish(claimed(feeds), outcome)

    assert feeds.get(ID) == outcome


def test_what_is_no_longer_so_is_removed(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    failing = Feed(id=ID, url=URL, error="x", failing_since=NOW, etag='"a"', due_at=NOW)
    feeds.finish(claimed(feeds), failing)

    well = replace(failing, error=None, failing_since=None, etag=None)
    feeds.finish(claimed(feeds), well)

    assert feeds.get(ID) == well


def test_identities_are_known_until_they_fade(feeds: FeedStore) -> None:
    keys = [f"{n:016x}" for n in range(230)]
    feeds.remember(ID, keys[:220])
    feeds.let_fade(ID, keys[:5], NOW)

    stored, fading = feeds.known(ID, keys)

    assert stored == frozenset(keys[:220])
    assert fading == frozenset(keys[:5])


def test_remembering_again_stops_the_fading(feeds: FeedStore, table: Table) -> None:
    feeds.let_fade(ID, ["a" * 16], NOW)
    item = table.get_item(Key={"PK": f"F#{ID}", "SK": "I#" + "a" * 16})["Item"]
    assert item["ttl"] == int((NOW + timedelta(days=180)).timestamp())

    feeds.remember(ID, ["a" * 16])

    assert feeds.known(ID, ["a" * 16]) == (frozenset({"a" * 16}), frozenset())


def test_no_keys_ask_nothing(feeds: FeedStore) -> None:
    assert feeds.known(ID, ()) == (frozenset(), frozenset())


def test_keys_that_dynamodb_leaves_over_are_asked_for_again(
    feeds: FeedStore, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"{n:016x}" for n in range(10)]
    feeds.remember(ID, keys)
    real = table.meta.client.batch_get_item
    asked: list[int] = []

    def stingy(RequestItems: Any) -> Any:  # noqa: N803 - boto3's own name
        wanted = RequestItems["content"]["Keys"]
        asked.append(len(wanted))
        answer = real(RequestItems={"content": {"Keys": wanted[:4]}})
        left = {"content": {"Keys": wanted[4:]}} if wanted[4:] else {}
        return answer | {"UnprocessedKeys": left}

    monkeypatch.setattr(table.meta.client, "batch_get_item", stingy)

    assert feeds.known(ID, keys)[0] == frozenset(keys)
    assert asked == [10, 6, 2]
