"""One feed from due to done, and the function that does it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from courant import clock
from courant.articles import Article, ArticleStore
from courant.errors import ConfigurationError, FeedUnreachable
from courant.feeds.document import read_document
from courant.feeds.fetch import Fetched, Fetcher, FetchFailed, FetchOutcome
from courant.feeds.gather import (
    Busy,
    Failed,
    Gathered,
    Gatherer,
    Unchanged,
    next_due,
)
from courant.feeds.store import Feed, FeedStore, feed_id
from gather import handler as function

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

EVENTS = Path(__file__).parents[1] / "events"
NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "https://example.org/feed"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.resource("dynamodb").create_table(
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


def item(name: str, guid: str | None = None, link: str | None = None) -> str:
    return (
        f"<item><title>{name}</title><link>{link or f'https://example.org/{name}'}</link>"
        f"<guid isPermaLink='false'>{guid or name}</guid></item>"
    )


def rss(*items: str, title: str = "The <b>News</b>") -> bytes:
    head = f"<title>{title.replace('<', '&lt;')}</title><link>https://example.org/</link>"
    return f"<rss version='2.0'><channel>{head}{''.join(items)}</channel></rss>".encode()


@dataclass
class Newsroom:
    """A gatherer whose feed is whatever the test says next."""

    table: Table
    now: datetime = NOW
    outcome: FetchOutcome = field(
        default_factory=lambda: Fetched(body=b"", content_type="", url=URL)
    )

    def __post_init__(self) -> None:
        self.feeds = FeedStore(self.table, pause=lambda _: None)
        self.articles = ArticleStore(self.table)
        self.id = self.feeds.register(URL, self.now)
        self.asked: list[tuple[str | None, str | None]] = []

    def fetch(
        self, url: str, *, etag: str | None = None, last_modified: str | None = None
    ) -> FetchOutcome:
        assert url == URL
        self.asked.append((etag, last_modified))
        return self.outcome

    def gather(self, answer: FetchOutcome | bytes, **headers: str) -> Any:
        """Gather ``answer`` half an hour after the last time."""
        self.outcome = (
            Fetched(body=answer, content_type="", url=URL, **headers)
            if isinstance(answer, bytes)
            else answer
        )
        self.now += timedelta(minutes=30)
        gatherer = Gatherer(self.feeds, self.articles, self)  # type: ignore[arg-type]  # fetches like a Fetcher
        return gatherer.gather(self.id, self.now)

    @property
    def row(self) -> Feed:
        feed = self.feeds.get(self.id)
        assert feed is not None
        return feed

    def stored(self) -> list[Article]:
        return list(self.articles.seen_between(self.id, NOW - DAY, NOW + 400 * DAY))


@pytest.fixture
def newsroom(table: Table) -> Newsroom:
    return Newsroom(table)


def test_first_gather_keeps_everything(newsroom: Newsroom) -> None:
    outcome = newsroom.gather(rss(item("one"), item("two"), "<item><title>x</title></item>"))

    assert outcome == Gathered(new=2, known=0, dropped=1)
    one, two = sorted(newsroom.stored(), key=lambda article: article.position)
    assert (one.title, one.url, one.source) == ("one", "https://example.org/one", "The News")
    assert one.first_seen == two.first_seen == newsroom.now
    assert newsroom.row.title == "The News"
    assert newsroom.row.due_at == newsroom.now + timedelta(minutes=30)


def test_only_what_is_new_is_stored_again(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")))

    outcome = newsroom.gather(rss(item("two"), item("one")))

    assert outcome == Gathered(new=1, known=1, dropped=0)
    assert [article.title for article in newsroom.stored()] == ["one", "two"]


def test_source_is_the_host_where_the_feed_has_no_title(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one"), title=""))

    assert newsroom.stored()[0].source == "example.org"


def test_regenerated_guids_and_rewritten_links_are_not_news(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one"), item("two")))

    assert newsroom.gather(rss(item("one", guid="new"), item("two", guid="new2"))) == Gathered(
        new=0, known=2, dropped=0
    )
    assert newsroom.gather(
        rss(item("one", "new", "https://example.org/1"), item("two", "new2", "/2"))
    ) == Gathered(new=0, known=2, dropped=0)


def test_article_that_comes_back_is_not_news(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one"), item("two")))
    newsroom.gather(rss(item("two")))

    assert newsroom.gather(rss(item("one"), item("two"))) == Gathered(new=0, known=2, dropped=0)


def test_only_identities_that_left_the_feed_fade(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one"), item("two")))
    both = newsroom.row.present
    newsroom.gather(rss(item("two")))

    stored, fading = newsroom.feeds.known(newsroom.id, both)

    assert stored == both
    assert fading == both - newsroom.row.present
    assert len(fading) == 2

    newsroom.gather(rss(item("one"), item("two")))
    assert newsroom.feeds.known(newsroom.id, both) == (both, frozenset())


def test_two_entries_at_one_url_are_one_article(newsroom: Newsroom) -> None:
    outcome = newsroom.gather(
        rss(item("one", "a", "https://example.org/x"), item("two", "b", "https://example.org/x#y"))
    )

    assert outcome == Gathered(new=1, known=0, dropped=0)
    assert newsroom.gather(rss(item("two", "b", "https://example.org/z"))).new == 0


def test_validators_go_back_to_the_server(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")), etag='"a"', last_modified="m")

    newsroom.gather(rss(item("one"), item("two")))
    newsroom.gather(rss())

    assert newsroom.asked == [(None, None), ('"a"', "m"), (None, None)]


def test_unchanged_body_is_not_read(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newsroom.gather(rss(item("one")))
    monkeypatch.setattr("courant.feeds.gather.read_document", None)

    assert newsroom.gather(rss(item("one")), etag='"b"') == Unchanged()
    assert newsroom.row.etag == '"b"'


def test_failure_is_recorded_and_said(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")), etag='"a"')
    began = newsroom.now + timedelta(minutes=30)

    outcome = newsroom.gather(FetchFailed(FeedUnreachable(URL, "it answered 404 Not Found")))

    assert outcome == Failed("it answered 404 Not Found")
    row = newsroom.row
    assert (row.failures, row.error, row.failing_since) == (1, outcome.reason, began)
    assert row.due_at == newsroom.now + timedelta(hours=1)
    assert row.etag == '"a"'
    newsroom.now += timedelta(hours=1)
    newsroom.gather(b"<html>")
    assert newsroom.row.failures == 2
    assert newsroom.row.error == "it sent a web page (HTML), not a feed"
    assert newsroom.row.failing_since == began


def test_feed_that_is_well_again_has_no_error(newsroom: Newsroom) -> None:
    newsroom.gather(b"nonsense")
    newsroom.now += timedelta(hours=1)

    newsroom.gather(rss(item("one")))

    row = newsroom.row
    assert (row.failures, row.error, row.failing_since) == (0, None, None)


def test_unreadable_answer_is_read_anew_next_time(newsroom: Newsroom) -> None:
    newsroom.gather(b"nonsense", etag='"bad"')
    newsroom.now += timedelta(hours=1)

    assert isinstance(newsroom.gather(b"nonsense", etag='"bad"'), Failed)
    assert newsroom.asked == [(None, None), (None, None)]


def test_defect_of_ours_ends_no_run(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("courant.feeds.gather.read_document", defect)

    assert newsroom.gather(rss(item("one"))) == Failed("it can't be read (ZeroDivisionError)")


def test_message_delivered_twice_gathers_once(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")))
    newsroom.now -= timedelta(minutes=30)

    assert newsroom.gather(rss(item("two"))) == Busy()
    assert len(newsroom.asked) == 1


@pytest.mark.parametrize("step", ["remember", "finish", "let_fade"])
def test_crash_after_the_articles_loses_none(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    newsroom.gather(rss(item("one")))

    def crash(*_: object) -> None:
        raise ClientError({"Error": {"Code": "InternalServerError"}}, step)

    with monkeypatch.context() as crashing:
        crashing.setattr(newsroom.feeds, step, crash)
        with pytest.raises(ClientError):
            newsroom.gather(rss(item("two")))
    newsroom.gather(rss(item("two"), item("three")))

    assert {article.title for article in newsroom.stored()} == {"one", "two", "three"}
    # Twice under one id is harmless, and only a crash before the identities does it.
    assert len(newsroom.stored()) == (4 if step == "remember" else 3)
    assert newsroom.gather(rss(item("one"), item("two"), item("three"))).new == 0


def test_gatherer_slower_than_its_lease_gives_way(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*args: Any, **kwargs: Any) -> Any:
        newsroom.feeds.claim(newsroom.id, newsroom.now + timedelta(hours=1))
        return read_document(*args, **kwargs)

    monkeypatch.setattr("courant.feeds.gather.read_document", overtaken)

    assert newsroom.gather(rss(item("one"))) == Busy()
    assert newsroom.row.body_hash is None


def test_failing_feed_is_asked_less_and_less_often() -> None:
    waits = [next_due(NOW, failures) - NOW for failures in range(7)]

    hours = [wait / timedelta(hours=1) for wait in waits]
    assert hours == [0.5, 1, 2, 4, 8, 12, 12]


@given(st.integers(0, 10**9))
def test_no_feed_is_given_up(failures: int) -> None:
    assert NOW < next_due(NOW, failures) <= NOW + timedelta(hours=12)


def test_future_date_does_not_count() -> None:
    body = rss("<item><title>a</title><link>/a</link><pubDate>1 Jan 2030</pubDate></item>")

    document = read_document(body, "", URL, feed_id="f", now=NOW)

    assert document.items[0].article.published is None
    assert document.items[0].article.date == NOW


def test_note_without_title_is_headed_by_its_words() -> None:
    body = rss("<item><description>Just words</description><link>/a</link></item>")

    (found,) = read_document(body, "", URL, feed_id="f", now=NOW).items

    assert (found.article.title, found.article.summary) == ("Just words", "")


class Context:
    """An invocation with so many milliseconds left."""

    def __init__(self, left: int = 120_000) -> None:
        self.left = left

    def get_remaining_time_in_millis(self) -> int:
        return self.left


@pytest.fixture
def feed_server() -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("If-None-Match") == '"1"':
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("ETag", '"1"')
            self.end_headers()
            self.wfile.write(rss(item("one"), item("two")))

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def environment(
    table: Table, feed_server: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FeedStore]:
    monkeypatch.setenv("CONTENT_TABLE", "content")
    monkeypatch.setenv("CONTACT_URL", "https://news.example.org")
    monkeypatch.setenv("OPEN_PORTS", str(feed_server))
    function.wire.cache_clear()
    yield FeedStore(table)
    function.wire.cache_clear()


def event(case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"gather.{case}.json").read_text())
    return found


def test_function_gathers_the_feeds_it_is_told(environment: FeedStore, feed_server: int) -> None:
    url = f"http://127.0.0.1:{feed_server}/feed"
    message = event("normal")
    message["Records"][0]["body"] = json.dumps({"feed": feed_id(url)})

    with clock.use(lambda: NOW):
        environment.register(url, NOW)
        assert function.handler(message, Context()) == {"batchItemFailures": []}
    with clock.use(lambda: NOW + timedelta(hours=1)):
        assert function.handler(message, Context()) == {"batchItemFailures": []}

    feed = environment.get(feed_id(url))
    assert feed is not None
    assert (feed.etag, feed.failures, feed.title) == ('"1"', 0, "The News")
    assert feed.fetched_at == NOW + timedelta(hours=1)


def test_feed_nobody_knows_is_no_failure(environment: FeedStore) -> None:
    assert function.handler(event("normal"), Context()) == {"batchItemFailures": []}
    assert environment.due(NOW, 1) == ()


@pytest.mark.usefixtures("environment")
def test_message_that_can_not_be_read_goes_back_to_the_queue() -> None:
    message = event("bad")
    message["Records"] += event("normal")["Records"]

    failed = [{"itemIdentifier": record["messageId"]} for record in message["Records"][:2]]
    assert function.handler(message, Context()) == {"batchItemFailures": failed}


def test_table_that_can_not_be_reached_sends_the_message_back(
    environment: FeedStore, table: Table
) -> None:
    assert environment.due(NOW, 1) == ()
    table.delete()
    message = event("normal")

    assert function.handler(message, Context()) == {
        "batchItemFailures": [{"itemIdentifier": message["Records"][0]["messageId"]}]
    }


@pytest.mark.usefixtures("environment")
def test_no_feed_is_begun_that_could_not_be_finished() -> None:
    message = event("normal")

    assert function.handler(message, Context(left=5_000)) == {
        "batchItemFailures": [{"itemIdentifier": message["Records"][0]["messageId"]}]
    }


@pytest.mark.usefixtures("environment")
def test_wrong_ports_are_a_deployments_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPEN_PORTS", "eighty")

    with pytest.raises(ConfigurationError, match="OPEN_PORTS"):
        function.wire()


def test_function_opens_no_port_in_production(environment: FeedStore, monkeypatch: Any) -> None:
    monkeypatch.setenv("OPEN_PORTS", "")
    id_ = environment.register("http://127.0.0.1:8080/feed", NOW)
    message = event("normal")
    message["Records"][0]["body"] = json.dumps({"feed": id_})

    with clock.use(lambda: NOW):
        assert function.handler(message, Context()) == {"batchItemFailures": []}

    feed = environment.get(id_)
    assert feed is not None
    assert feed.error == "its host is not on the public internet"


def test_fetcher_has_the_signature_the_fake_stands_for() -> None:
    import inspect

    assert inspect.signature(Newsroom.fetch) == inspect.signature(Fetcher.fetch)
