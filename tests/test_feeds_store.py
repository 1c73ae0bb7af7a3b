"""Feeds in the content table: due, claimed, finished, remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from courant.errors import Conflict
from courant.feeds.pace import Sighting, Wishes
from courant.feeds.row import Feed
from courant.feeds.store import LEASE, FeedStore, Waiting, feed_id
from tests import content_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

URL = "https://example.org/feed"
ID = feed_id(URL)
NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield content_table.make()


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

    assert feeds.due(NOW, 10) == {ID: Waiting("example.org", NOW)}
    assert feeds.due(NOW - timedelta(seconds=1), 10) == {}


def test_registering_again_keeps_the_turn(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    feeds.finish(claimed(feeds), Feed(id=ID, url=URL, due_at=LATER))

    feeds.register(URL, NOW)

    assert feeds.due(NOW, 10) == {}
    assert feeds.due(LATER, 10).keys() == {ID}


def test_due_feeds_come_longest_waiting_first_and_no_more_than_asked(feeds: FeedStore) -> None:
    ids = [feeds.register(f"https://example.org/{n}", NOW - timedelta(minutes=n)) for n in range(5)]

    assert list(feeds.due(NOW, 3)) == [ids[4], ids[3], ids[2]]
    assert len(feeds.due(NOW, 10)) == 5


def test_dropped_feed_is_not_due_and_can_come_back(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    feeds.finish(claimed(feeds), Feed(id=ID, url=URL, etag='"a"', due_at=LATER))

    feeds.drop(URL)

    assert feeds.due(LATER, 10) == {}
    assert feeds.claim(ID, LATER) is None
    feeds.register(URL, NOW)
    assert feeds.due(NOW, 10).keys() == {ID}
    assert claimed(feeds).etag == '"a"'


def test_dropping_an_unknown_feed_makes_no_row(feeds: FeedStore) -> None:
    feeds.drop(URL)

    assert feeds.get(ID) is None


def test_feed_dropped_while_it_is_gathered_stays_dropped(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    feed = claimed(feeds)

    feeds.drop(URL)
    feeds.finish(feed, Feed(id=ID, url=URL, due_at=LATER))

    assert feeds.due(LATER, 10) == {}


def test_two_gatherers_never_have_the_same_feed(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)

    assert feeds.claim(ID, NOW) is not None
    assert feeds.claim(ID, NOW) is None
    assert feeds.due(NOW, 10) == {}


def test_feed_of_a_dead_gatherer_is_due_when_its_lease_has_run_out(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    dead = claimed(feeds)

    assert feeds.due(NOW + LEASE, 10).keys() == {ID}
    alive = claimed(feeds, NOW + LEASE)

    with pytest.raises(Conflict):
        feeds.finish(dead, Feed(id=ID, url=URL, title="late", due_at=LATER))
    feeds.finish(alive, Feed(id=ID, url=URL, title="right", due_at=LATER))
    found = feeds.get(ID)
    assert found is not None
    assert found.title == "right"


def test_feed_dropped_and_put_back_during_a_visit_waits_for_its_end(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    visit = claimed(feeds)
    feeds.drop(URL)
    feeds.register(URL, NOW + timedelta(minutes=1))

    # It is due, but somebody has it.
    assert feeds.due(NOW + timedelta(minutes=1), 1).keys() == {ID}
    for seconds in (60, 299):
        assert feeds.claim(ID, NOW + timedelta(seconds=seconds)) is None
    feeds.finish(visit, replace(visit, due_at=LATER))
    assert claimed(feeds, LATER).lease_until == LATER + LEASE


def test_gatherer_whose_clock_is_a_little_behind_takes_nobodys_feed(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    claimed(feeds)
    feeds.drop(URL)
    behind = NOW - timedelta(minutes=1)
    feeds.register(URL, behind)

    assert feeds.claim(ID, behind) is None


def test_lease_of_a_clock_that_was_ahead_holds_nobody_up(feeds: FeedStore) -> None:
    ahead = NOW + timedelta(days=400)
    feeds.register(URL, NOW)
    claimed(feeds, ahead)

    assert feeds.claim(ID, NOW) is None
    assert feeds.hurry(ID, NOW)
    assert claimed(feeds, NOW).lease_until == NOW + LEASE


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
        address="https://new.example/feed",
        moved=Sighting("https://newer.example/feed", NOW, 2),
        wishes=Wishes(
            every=timedelta(hours=1), skip_hours=frozenset({0, 7}), skip_days=frozenset({6})
        ),
        interval=timedelta(minutes=45),
        newest=NOW - timedelta(days=1),
        news_at=NOW,
        weeks={105731: 3, 105732: 40},
        note="The feed is new here.",
        told_on=NOW.toordinal(),
        told_today=12,
        going=Sighting(URL, NOW, 2),
        gone_at=NOW,
        not_before=LATER,
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


def test_only_what_changed_is_sent(feeds: FeedStore, table: Table) -> None:
    feeds.register(URL, NOW)
    row = Feed(id=ID, url=URL, title="News", present=frozenset({"ab" * 8}), due_at=LATER)
    feeds.finish(claimed(feeds), row)
    again = claimed(feeds, LATER)
    asked: list[dict[str, Any]] = []
    table.meta.client.meta.events.register(
        "before-parameter-build.dynamodb.UpdateItem", lambda params, **_: asked.append(params)
    )

    feeds.finish(again, replace(again, title=None, due_at=LATER + LEASE * 2))

    (sent,) = asked
    assert set(sent["ExpressionAttributeNames"].values()) == {"title", "due_at"}
    assert feeds.get(ID) == replace(row, title=None, due_at=LATER + LEASE * 2)


def test_a_visit_that_died_lends_its_time_to_the_next(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    assert claimed(feeds).begun_at == NOW

    second = claimed(feeds, NOW + LEASE)
    assert second.begun_at == NOW

    feeds.finish(second, replace(second, due_at=LATER))
    assert claimed(feeds, LATER).begun_at == LATER


def test_the_host_is_that_of_the_address_asked(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    feed = claimed(feeds)

    feeds.finish(feed, replace(feed, address="https://New.example:8443/x", due_at=NOW))
    assert feeds.due(NOW, 1)[ID].host == "new.example"

    feed = claimed(feeds)
    feeds.finish(feed, replace(feed, address=None, due_at=NOW))
    assert feeds.due(NOW, 1)[ID].host == "example.org"


def gone(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    feed = claimed(feeds)
    feeds.finish(feed, replace(feed, gone_at=NOW, due_at=None, etag='"a"'))


def test_a_feed_that_is_gone_is_never_due(feeds: FeedStore) -> None:
    gone(feeds)

    feeds.register(URL, LATER)

    assert feeds.due(LATER, 10) == {}
    assert feeds.claim(ID, LATER) is None
    assert not feeds.hurry(ID, LATER)
    found = feeds.get(ID)
    assert found is not None
    assert found.gone_at == NOW


def test_a_feed_that_is_gone_comes_back_when_it_was_dropped(feeds: FeedStore) -> None:
    gone(feeds)

    feeds.drop(URL)
    feeds.register(URL, LATER)

    assert feeds.due(LATER, 10).keys() == {ID}
    feed = claimed(feeds, LATER)
    assert (feed.gone_at, feed.etag) == (None, '"a"')


def test_a_hurried_feed_is_due_at_once_and_only_once(feeds: FeedStore) -> None:
    feeds.register(URL, NOW)
    feed = claimed(feeds)
    feeds.finish(feed, replace(feed, fetched_at=NOW, due_at=NOW + timedelta(hours=9)))
    later = NOW + timedelta(minutes=15)

    assert feeds.hurry(ID, later)
    assert feeds.due(later, 1)[ID].since == later
    assert not feeds.hurry(ID, later)
    assert feeds.claim(ID, later) is not None
    assert not feeds.hurry(ID, later)


@pytest.mark.parametrize(
    ("changes", "hurried"),
    [
        ({}, True),
        ({"fetched_at": NOW - timedelta(minutes=14)}, False),
        ({"fetched_at": NOW - timedelta(minutes=15)}, True),
        ({"not_before": NOW + timedelta(minutes=1)}, False),
        ({"not_before": NOW}, True),
        # Until then nobody may have been asked to wait, and no visit was: a clock was ahead.
        ({"not_before": NOW + timedelta(hours=23)}, False),
        ({"not_before": NOW + timedelta(hours=25)}, True),
        ({"fetched_at": NOW + timedelta(seconds=1)}, True),
        ({"gone_at": NOW, "due_at": None}, False),
        ({"error": "it answered 500", "failures": 4}, True),
    ],
)
def test_who_may_be_hurried(feeds: FeedStore, changes: dict[str, Any], hurried: bool) -> None:
    before = NOW - timedelta(hours=1)
    feeds.register(URL, before)
    feed = claimed(feeds, before)
    row = replace(feed, fetched_at=before, due_at=LATER)
    feeds.finish(feed, replace(row, **changes))

    assert feeds.hurry(ID, NOW) is hurried
    assert bool(feeds.due(NOW, 1)) is hurried


def test_a_dropped_or_unknown_feed_is_not_hurried(feeds: FeedStore) -> None:
    assert not feeds.hurry(ID, NOW)
    feeds.register(URL, LATER)
    feeds.drop(URL)

    assert not feeds.hurry(ID, NOW)


def test_many_feeds_are_read_for_a_report(feeds: FeedStore) -> None:
    ids = [feeds.register(f"https://example.org/{n}", NOW) for n in range(130)]

    found = feeds.several([*ids, ids[0], "unknown"])

    assert found.keys() == set(ids)
    assert found[ids[7]] == feeds.get(ids[7])


def test_the_biggest_feed_fits_into_its_row(feeds: FeedStore, table: Table) -> None:
    keys = frozenset(f"{n:016x}" for n in range(500 * 2))
    feeds.register(URL, NOW)
    feed = claimed(feeds)

    feeds.finish(feed, replace(feed, present=keys, due_at=LATER))

    item: Any = table.get_item(Key={"PK": f"F#{ID}", "SK": "FEED"})["Item"]
    assert len(bytes(item["present"])) == 8000
    assert claimed(feeds, LATER).present == keys


def test_what_left_the_feed_is_known_for_180_days(feeds: FeedStore, table: Table) -> None:
    keys = [f"{n:016x}" for n in range(230)]

    feeds.let_fade(ID, keys[:220], NOW)

    assert feeds.known(ID, keys) == frozenset(keys[:220])
    item = table.get_item(Key={"PK": f"F#{ID}", "SK": "I#" + keys[0]})["Item"]
    assert item["ttl"] == int((NOW + timedelta(days=180)).timestamp())


def test_no_keys_ask_nothing(feeds: FeedStore) -> None:
    assert feeds.known(ID, ()) == frozenset()


def test_keys_that_dynamodb_leaves_over_are_asked_for_again(
    feeds: FeedStore, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"{n:016x}" for n in range(10)]
    feeds.let_fade(ID, keys, NOW)
    real = table.meta.client.batch_get_item
    asked: list[int] = []

    def stingy(RequestItems: Any) -> Any:  # noqa: N803 - boto3's own name
        wanted = RequestItems["content"]["Keys"]
        asked.append(len(wanted))
        answer = real(RequestItems={"content": {"Keys": wanted[:4]}})
        left = {"content": {"Keys": wanted[4:]}} if wanted[4:] else {}
        return answer | {"UnprocessedKeys": left}

    monkeypatch.setattr(table.meta.client, "batch_get_item", stingy)

    assert feeds.known(ID, keys) == frozenset(keys)
    assert asked == [10, 6, 2]
