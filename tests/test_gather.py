"""One feed from due to done, a round of feeds, and the functions that do it."""

from __future__ import annotations

import inspect
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from courant import clock
from courant.articles import Article, ArticleStore
from courant.errors import ConfigurationError, FeedUnreachable
from courant.feeds.document import Document, read_document
from courant.feeds.fetching.fetch import (
    Fetched,
    Fetcher,
    FetchFailed,
    FetchOutcome,
    NotModified,
    Told,
)
from courant.feeds.fresh import AGE_CAP, DAY_MOST, FIRST_PERIOD, VISIT_MOST
from courant.feeds.gather import (
    Busy,
    Failed,
    Gathered,
    Gatherer,
    Gone,
    Pages,
    Unchanged,
)
from courant.feeds.rounds import MOST
from courant.feeds.row import Feed
from courant.feeds.sandbox.sandbox import ReaderUnavailable, Sandbox
from courant.feeds.store import LEASE, LONGEST_VISIT, FeedStore, feed_id
from courant.feeds.walk import Walker
from desk.stack import Stack
from desk.stack.template import functions
from gather import handler as function
from tests import content_table
from tests.conftest import HandClock
from tests.newsroom import Newsroom as Paper

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

EVENTS = Path(__file__).parents[1] / "events"
NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
URL = "https://example.org/feed"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", content_table.SESSION)
        yield content_table.make()


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
    pages: Pages | None = None
    read_feed: Callable[..., Document] = read_document
    outcome: FetchOutcome = field(
        default_factory=lambda: Fetched(body=b"", content_type="", url=URL)
    )

    def __post_init__(self) -> None:
        self.feeds = FeedStore(self.table, pause=lambda _: None)
        self.articles = ArticleStore(self.table)
        self.id = self.feeds.register(URL, self.now)
        self.asked: list[tuple[str | None, str | None]] = []
        self.urls: list[str] = []

    def fetch(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        validated_url: str | None = None,
    ) -> FetchOutcome:
        assert validated_url == self.row.validated_url
        self.urls.append(url)
        self.asked.append((etag, last_modified))
        return self.outcome

    def gather(self, answer: FetchOutcome | bytes, **headers: Any) -> Any:
        """Gather ``answer`` when the feed is due, which is some time after the last."""
        self.outcome = (
            Fetched(body=answer, content_type="", url=URL, **headers)
            if isinstance(answer, bytes)
            else answer
        )
        self.now = max(self.now, self.row.due_at or self.now)
        return self.gatherer().gather(self.id, self.now)

    def gatherer(self) -> Gatherer:
        fetcher: Any = self  # it fetches like a Fetcher, and reads like a Sandbox
        return Gatherer(self.feeds, self.articles, fetcher, fetcher, self.pages)

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
    assert newsroom.row.due_at is not None
    assert abs(newsroom.row.due_at - newsroom.now - 30 * MINUTE) <= 3 * MINUTE


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


def test_year_of_not_modified_brings_no_old_news(newsroom: Newsroom, table: Table) -> None:
    items = [item("one"), item("two")]
    newsroom.gather(rss(*items, item("gone")))
    newsroom.gather(rss(*items))
    for _ in range(6):
        newsroom.now += 61 * DAY
        assert newsroom.gather(NotModified()) == Unchanged()
    # Everything that DynamoDB may forget by now, it has forgotten.
    for each in table.scan()["Items"]:
        if int(str(each.get("ttl", 10**12))) < newsroom.now.timestamp():
            table.delete_item(Key={"PK": each["PK"], "SK": each["SK"]})

    assert newsroom.gather(rss(*items, item("three"))) == Gathered(new=1, known=2, dropped=0)
    # What left the feed a year ago is told again: nobody knows it any more.
    assert newsroom.gather(rss(*items, item("gone"))).new == 1


def test_only_identities_that_left_the_feed_have_a_row(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one"), item("two")))
    both = newsroom.row.present
    assert len(both) == 4
    assert newsroom.feeds.known(newsroom.id, both) == frozenset()

    newsroom.gather(rss(item("two")))

    left = both - newsroom.row.present
    assert len(left) == 2
    assert newsroom.feeds.known(newsroom.id, both) == left


def test_feed_read_for_the_first_time_asks_for_no_identities(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newsroom.feeds, "known", None)

    assert newsroom.gather(rss(item("one"))).new == 1


def test_validators_go_back_to_the_server(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")), etag='"a"', last_modified="m")

    newsroom.gather(rss(item("one"), item("two")))
    newsroom.gather(rss())

    assert newsroom.asked == [(None, None), ('"a"', "m"), (None, None)]


def test_unchanged_body_is_not_read(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")))
    newsroom.read_feed = None  # type: ignore[assignment]  # nobody may ask

    assert newsroom.gather(rss(item("one")), etag='"b"') == Unchanged()
    assert newsroom.row.etag == '"b"'


def test_failure_is_recorded_and_said(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")), etag='"a"')

    outcome = newsroom.gather(FetchFailed(FeedUnreachable(URL, "it answered 404 Not Found"), 404))

    began = newsroom.now
    assert outcome == Failed("it answered 404 Not Found")
    row = newsroom.row
    assert (row.failures, row.error, row.failing_since) == (1, outcome.reason, began)
    assert row.due_at is not None
    assert abs(row.due_at - began - 30 * MINUTE) <= 3 * MINUTE
    assert row.etag == '"a"'
    newsroom.gather(b"<html>")
    assert newsroom.row.failures == 2
    assert newsroom.row.error == "it sent a web page (HTML), not a feed"
    assert newsroom.row.failing_since == began


def test_feed_that_is_well_again_has_no_error(newsroom: Newsroom) -> None:
    newsroom.gather(b"nonsense")

    newsroom.gather(rss(item("one")))

    row = newsroom.row
    assert (row.failures, row.error, row.failing_since) == (0, None, None)


def test_unreadable_answer_is_read_anew_next_time(newsroom: Newsroom) -> None:
    newsroom.gather(b"nonsense", etag='"bad"')

    assert isinstance(newsroom.gather(b"nonsense", etag='"bad"'), Failed)
    assert newsroom.asked == [(None, None), (None, None)]


def test_defect_of_ours_ends_no_run(newsroom: Newsroom) -> None:
    def defect(*_: object, **__: object) -> Document:
        raise ZeroDivisionError

    newsroom.read_feed = defect

    assert newsroom.gather(rss(item("one"))) == Failed("it can't be read (ZeroDivisionError)")


def test_message_delivered_twice_gathers_once(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")))

    assert newsroom.gatherer().gather(newsroom.id, newsroom.now) == Busy()
    assert len(newsroom.asked) == 1


@pytest.mark.parametrize("step", ["let_fade", "finish"])
def test_crash_after_the_articles_loses_none_and_doubles_none(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    newsroom.gather(rss(item("one")))

    def crash(*_: object) -> None:
        raise ClientError({"Error": {"Code": "InternalServerError"}}, step)

    with monkeypatch.context() as crashing:
        crashing.setattr(newsroom.feeds, step, crash)
        with pytest.raises(ClientError):
            newsroom.gather(rss(item("two")))
    died = newsroom.now
    newsroom.gather(rss(item("two"), item("three")))

    assert newsroom.now == died + LEASE
    # The second try is the first one's, so it writes the same row over.
    assert {(each.title, each.first_seen) for each in newsroom.stored()[1:]} == {
        ("two", died),
        ("three", died),
    }
    assert len(newsroom.stored()) == 3
    assert newsroom.gather(rss(item("one"), item("two"), item("three"))).new == 0


def test_visit_that_died_long_ago_lends_nothing(newsroom: Newsroom) -> None:
    newsroom.feeds.claim(newsroom.id, newsroom.now)
    newsroom.now += DAY

    newsroom.gather(rss(item("one")))

    (one,) = newsroom.stored()
    assert one.first_seen == newsroom.now


def test_visit_begun_again_reads_by_its_own_clock(newsroom: Newsroom) -> None:
    newsroom.gather(rss(dated("old", NOW - DAY)))
    died = newsroom.now.replace(microsecond=0) + 2 * HOUR
    assert newsroom.feeds.claim(newsroom.id, died)
    newsroom.now = died + 6 * HOUR

    # Written since then, so many that only their dates tell that they are no flood.
    since = [dated(f"new{n}", newsroom.now - n * MINUTE) for n in range(20)]
    # Too old now, though not when the visit began.
    late = dated("late", newsroom.now - AGE_CAP - HOUR)
    outcome = newsroom.gather(rss(*since, late))

    assert (outcome.new, outcome.held_back) == (20, 1)
    assert f"older than {AGE_CAP.days} days" in outcome.why
    told = [each for each in newsroom.stored() if each.title != "old"]
    assert {each.first_seen for each in told} == {died}
    assert {each.published for each in told} == {newsroom.now - n * MINUTE for n in range(20)}


def test_first_visit_begun_again_writes_the_same_rows(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = rss(dated("a", NOW - HOUR), item("undated"))
    with monkeypatch.context() as crashing:
        crashing.setattr(newsroom.feeds, "finish", None)
        with pytest.raises(TypeError):
            newsroom.gather(body)

    newsroom.gather(body)

    assert newsroom.now == NOW + LEASE
    assert sorted((each.title, each.first_seen) for each in newsroom.stored()) == [
        ("a", NOW - HOUR),
        ("undated", NOW),
    ]


def test_feed_whose_first_document_is_empty_is_quiet_still(newsroom: Newsroom) -> None:
    newsroom.gather(rss())
    archive = [dated(f"old{n}", NOW - n * DAY) for n in range(1, 29)]

    outcome = newsroom.gather(rss(*archive))

    assert (outcome.new, outcome.held_back) == (6, 22)
    stored = newsroom.articles.seen_between(newsroom.id, NOW - 30 * DAY, newsroom.now)
    assert {each.first_seen for each in stored} == {NOW - n * DAY for n in range(1, 7)}
    assert newsroom.row.news_at is None


def test_feed_that_brought_news_and_was_empty_is_not_new(newsroom: Newsroom) -> None:
    for body in (rss(item("one")), rss(item("two")), rss()):
        newsroom.gather(body)

    assert newsroom.gather(rss(dated("three", NOW - 9 * DAY))).new == 1
    assert newsroom.stored()[-1].first_seen == newsroom.row.news_at == newsroom.now


def test_what_was_there_before_an_empty_document_is_not_news(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")))
    newsroom.gather(rss())

    assert newsroom.gather(rss(item("one"))) == Gathered(new=0, known=1, dropped=0)


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("long", [False, True])
def test_feed_that_comes_back_after_weeks_is_quiet_and_knows(
    newsroom: Newsroom, long: bool, failing: bool
) -> None:
    newsroom.gather(rss(dated("one", NOW - HOUR), item("two")))
    if failing:
        newsroom.gather(FetchFailed(FeedUnreachable(URL, "it answered 500"), 500))
    away = FIRST_PERIOD + (HOUR if long else -HOUR)
    back = newsroom.now.replace(microsecond=0) + away
    while failing and newsroom.now < back - DAY:
        newsroom.gather(FetchFailed(FeedUnreachable(URL, "it answered 500"), 500))
    newsroom.now = back
    older = [dated(f"old{n}", back - FIRST_PERIOD - n * DAY) for n in (1, 2)]

    outcome = newsroom.gather(rss(dated("new", back - DAY), *older, item("two")))

    assert outcome.known == 1
    assert (outcome.new, outcome.held_back) == ((1, 2) if long else (3, 0))
    (new,) = (
        each
        for each in newsroom.articles.seen_between(newsroom.id, NOW, back + DAY)
        if each.title == "new"
    )
    assert new.first_seen == (back - DAY if long else newsroom.now)


def test_feed_that_failed_for_days_tells_what_it_wrote_meanwhile(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")))
    for _ in range(10):
        newsroom.gather(FetchFailed(FeedUnreachable(URL, "it answered 500"), 500))
    assert 2 * DAY < newsroom.now - NOW < FIRST_PERIOD

    # All before the last failure; there was no date before to compare them with.
    meanwhile = [dated(f"m{n}", NOW + n * HOUR) for n in range(1, 15)]
    assert newsroom.gather(rss(*meanwhile)) == Gathered(new=14, known=0, dropped=0)


def test_feed_that_tells_too_much_is_believed_so_much_a_day(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")))
    told: dict[int, int] = {}
    whys = set()
    for _ in range(8):
        newsroom.now += 3 * HOUR
        now = max(newsroom.now, newsroom.row.due_at or NOW)
        outcome = newsroom.gather(rss(*(dated(f"{now}/{m}", now) for m in range(120))))
        assert outcome.new <= VISIT_MOST
        assert outcome.new + outcome.held_back == 120
        day = newsroom.now.toordinal()
        told[day] = told.get(day, 0) + outcome.new
        whys.add(newsroom.row.note)

    # The first was told before; the second day was not over.
    assert list(told.values()) == [DAY_MOST - 1, 300]
    assert whys == {
        f"{held} articles too many: a feed may tell 100 a visit and 400 a day."
        for held in (20, 21, 120)
    }


def test_wire_that_writes_an_article_a_minute_passes(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("one")))
    newsroom.now += HOUR
    now = max(newsroom.now, newsroom.row.due_at or NOW)

    body = rss(*(dated(f"w{n}", now - n * MINUTE) for n in range(60)))

    assert newsroom.gather(body) == Gathered(new=60, known=0, dropped=0)


@pytest.mark.parametrize("step", ["unreadable", "walk"])
def test_missing_reader_is_no_fault_of_the_feed(newsroom: Newsroom, step: str) -> None:
    newsroom.gather(rss(item("one")))
    before = newsroom.row

    def nobody(*_: object, **__: object) -> Document:
        raise ReaderUnavailable("the child process does not start")

    newsroom.read_feed = nobody
    if step == "unreadable":
        with pytest.raises(ReaderUnavailable):
            newsroom.gather(rss(item("two")))
    else:
        newsroom.now = before.due_at or NOW
        newsroom.outcome = Fetched(body=rss(item("two")), content_type="", url=URL)
        with pytest.raises(ExceptionGroup), clock.use(lambda: newsroom.now):
            Walker(newsroom.gatherer).walk({"h": [newsroom.id]}, newsroom.now + DAY)

    after = newsroom.row
    assert after.due_at == after.lease_until == newsroom.now + LEASE
    assert replace(after, due_at=None, lease_until=None, begun_at=None) == replace(
        before, due_at=None
    )
    newsroom.read_feed = read_document
    assert newsroom.gather(rss(item("two"))).new == 1


def test_gatherer_slower_than_its_lease_gives_way(newsroom: Newsroom) -> None:
    def overtaken(*args: Any, **kwargs: Any) -> Document:
        newsroom.feeds.claim(newsroom.id, newsroom.now + HOUR)
        return read_document(*args, **kwargs)

    newsroom.read_feed = overtaken

    assert newsroom.gather(rss(item("one"))) == Busy()
    assert newsroom.row.body_hash is None


# ── pace ──────────────────────────────────────────────────────────────────────────────────────


def dated(name: str, at: datetime) -> str:
    return item(name).replace("</item>", f"<pubDate>{format_datetime(at)}</pubDate></item>")


def wait(newsroom: Newsroom) -> timedelta:
    due_at = newsroom.row.due_at
    assert due_at is not None
    return due_at - newsroom.now


def about(length: timedelta) -> Any:
    return pytest.approx(length.total_seconds(), rel=0.11)


def test_feed_is_visited_at_half_its_own_pace(newsroom: Newsroom) -> None:
    body = rss(*(dated(f"a{n}", NOW - n * 2 * HOUR) for n in range(6)))

    newsroom.gather(body)
    assert wait(newsroom).total_seconds() == about(HOUR)

    newsroom.gather(NotModified())
    assert wait(newsroom).total_seconds() == about(HOUR)
    # Without news for long, a twentieth of the silence.
    newsroom.now += 4 * DAY
    newsroom.gather(NotModified())
    assert wait(newsroom).total_seconds() == about((newsroom.now - NOW) / 20)


def test_feed_without_dates_is_visited_less_until_it_has_news(newsroom: Newsroom) -> None:
    waits = []
    for answer in (rss(item("a")), NotModified(), rss(item("a"), title="T"), rss(item("b"))):
        newsroom.gather(answer)
        waits.append(newsroom.row.interval / MINUTE)

    assert waits == [30, 45, 67.5, 33.75]


@pytest.mark.parametrize(
    ("told", "least"),
    [
        (Told(cache_control="max-age=7200"), 2 * HOUR),
        (Told(retry_after="10800"), 3 * HOUR),
        (Told(retry_after="99999999"), DAY),
    ],
)
@pytest.mark.parametrize("kind", ["read", "304", "same", "503"])
def test_server_is_not_asked_sooner_than_it_says(
    newsroom: Newsroom, told: Told, least: timedelta, kind: str
) -> None:
    newsroom.gather(rss(item("a")))
    answers: dict[str, Any] = {
        "read": Fetched(body=rss(item("b")), content_type="", url=URL, told=told),
        "304": NotModified(told),
        "same": Fetched(body=rss(item("a")), content_type="", url=URL, told=told),
        "503": FetchFailed(FeedUnreachable(URL, "it answered 503"), 503, told),
    }

    newsroom.gather(answers[kind])

    waits = bool(told.retry_after) or kind != "503"
    if waits:
        assert least <= wait(newsroom) <= least * 1.11
    assert newsroom.row.not_before == (newsroom.now + least if waits else None)
    assert not newsroom.feeds.hurry(newsroom.id, newsroom.now + least - MINUTE) or not waits


def test_what_the_document_asks_counts_after_a_304_too(newsroom: Newsroom) -> None:
    newsroom.gather(rss("<ttl>240</ttl>", item("a")))
    assert 4 * HOUR <= wait(newsroom) <= 4.4 * HOUR

    newsroom.gather(NotModified())
    assert 4 * HOUR <= wait(newsroom) <= 4.4 * HOUR
    # Nor may an edition be in a hurry.
    assert newsroom.row.not_before == newsroom.now + 4 * HOUR
    newsroom.gather(FetchFailed(FeedUnreachable(URL, "it answered 500"), 500))
    assert newsroom.row.not_before == newsroom.now + 4 * HOUR


GONE = FetchFailed(FeedUnreachable(URL, "it answered 410 Gone"), 410)


def test_feed_that_is_gone_is_asked_no_more(newsroom: Newsroom) -> None:
    newsroom.gather(rss(item("a")))

    first = newsroom.gather(GONE)
    began, waits = newsroom.now, [wait(newsroom)]
    assert first == Failed("it answered 410 Gone")
    while (outcome := newsroom.gather(GONE)) != Gone():
        assert outcome == first
        assert newsroom.now - began < DAY
        waits.append(wait(newsroom))

    # The usual waits until then.
    assert [each.total_seconds() for each in waits] == [
        about(hours * HOUR) for hours in (0.5, 1, 2, 4, 8, 12)
    ]
    row = newsroom.row
    assert (row.gone_at, row.due_at, row.error) == (newsroom.now, None, "it answered 410 Gone")
    newsroom.now += 400 * DAY
    assert newsroom.feeds.due(newsroom.now, 10) == {}
    assert newsroom.gatherer().gather(newsroom.id, newsroom.now) == Busy()


@pytest.mark.parametrize(
    "between",
    [NotModified(), FetchFailed(FeedUnreachable(URL, "it answered 500"), 500), b"<html>"],
)
def test_feed_is_gone_only_if_nothing_else_was_said_for_a_day(
    newsroom: Newsroom, between: Any
) -> None:
    for _ in range(5):
        assert isinstance(newsroom.gather(GONE), Failed)
        newsroom.now += 8 * HOUR
        assert isinstance(newsroom.gather(GONE), Failed)
        newsroom.gather(between)
        newsroom.now += 8 * HOUR

    assert newsroom.row.gone_at is None


def test_two_days_between_two_visits_are_no_proof(newsroom: Newsroom) -> None:
    assert isinstance(newsroom.gather(GONE), Failed)
    newsroom.now += 2 * DAY
    assert isinstance(newsroom.gather(GONE), Failed)
    assert newsroom.gather(GONE) == Gone()


def test_who_is_redirected_to_something_gone_has_not_gone(newsroom: Newsroom) -> None:
    for _ in range(6):
        outcome = newsroom.gather(replace(GONE, redirected=True))
        newsroom.now += DAY

    assert outcome == Failed("it answered 410 Gone")
    assert newsroom.row.failures == 6


def test_what_is_gone_where_the_feed_moved_to_is_no_word_of_its_own(newsroom: Newsroom) -> None:
    feed = newsroom.feeds.claim(newsroom.id, newsroom.now)
    assert feed is not None
    moved = replace(feed, address="https://new.example/feed", due_at=newsroom.now)
    newsroom.feeds.finish(feed, moved)

    for _ in range(3):
        outcome = newsroom.gather(GONE)
        newsroom.now += DAY

    assert newsroom.urls == ["https://new.example/feed", URL, URL]
    assert isinstance(outcome, Failed)
    assert newsroom.gather(GONE) == Gone()


def test_feed_that_is_put_back_is_not_gone_at_once(newsroom: Newsroom) -> None:
    while newsroom.gather(GONE) != Gone():
        pass
    newsroom.feeds.drop(URL)
    newsroom.now += DAY
    newsroom.feeds.register(URL, newsroom.now)

    assert isinstance(newsroom.gather(GONE), Failed)


def test_feed_that_moved_for_good_is_asked_there(newsroom: Newsroom) -> None:
    new = "https://new.example/feed"
    for n in range(6):
        newsroom.gather(NotModified(Told(moved_to=new)))
        newsroom.now += (6 if n < 4 else 0) * HOUR

    assert newsroom.urls == [URL] * 5 + [new]
    assert newsroom.row.url == URL
    assert newsroom.feeds.due(newsroom.now + DAY, 1)[newsroom.id].host == "new.example"


@pytest.mark.parametrize("status", [None, 404, 410])
def test_feed_that_fails_where_it_moved_to_is_asked_where_it_was(
    newsroom: Newsroom, status: int | None
) -> None:
    new = "https://new.example/feed"
    newsroom.gather(NotModified())
    feed = newsroom.feeds.claim(newsroom.id, newsroom.now + DAY)
    assert feed is not None
    newsroom.now += DAY
    newsroom.feeds.finish(feed, replace(feed, address=new, due_at=newsroom.now))

    outcome = newsroom.gather(FetchFailed(FeedUnreachable(new, "it is not there"), status))
    newsroom.gather(NotModified())

    assert outcome == Failed("it is not there")
    assert newsroom.urls == [URL, new, URL]
    assert newsroom.row.failures == 0


def test_feed_that_moved_back_is_asked_where_the_editor_says(newsroom: Newsroom) -> None:
    feed = newsroom.feeds.claim(newsroom.id, newsroom.now)
    assert feed is not None
    newsroom.feeds.finish(
        feed, replace(feed, address="https://new.example/feed", due_at=newsroom.now)
    )

    for _ in range(4):
        newsroom.gather(NotModified(Told(moved_to=URL)))
        newsroom.now += 12 * HOUR

    assert newsroom.row.address is None


def test_demo_of_old_files_tells_them_all(newsroom: Newsroom) -> None:
    old = [dated(f"old{n}", NOW - 300 * DAY - n * DAY) for n in range(40)]
    newsroom.outcome = Fetched(body=rss(*old), content_type="", url=URL)
    fetcher: Any = newsroom
    gatherer = Gatherer(newsroom.feeds, newsroom.articles, fetcher, fetcher, backlog=True)

    assert gatherer.gather(newsroom.id, NOW) == Gathered(new=40, known=0, dropped=0)
    assert {each.first_seen for each in newsroom.stored()} == {NOW}


def test_row_counts_what_the_feed_brought_and_says_what_was_held_back(newsroom: Newsroom) -> None:
    old = [dated(f"old{n}", NOW - 300 * DAY - n * DAY) for n in range(3)]

    outcome = newsroom.gather(rss(*old, dated("new", NOW - HOUR)))

    assert (outcome.new, outcome.known, outcome.held_back) == (1, 0, 3)
    assert outcome.why
    assert newsroom.row.note == outcome.why
    assert sum(newsroom.row.weeks.values()) == 1
    assert newsroom.gather(rss(*old)) == Gathered(new=0, known=3, dropped=0)
    assert newsroom.row.note is None


# ── pages ─────────────────────────────────────────────────────────────────────────────────────


class Encyclopedia:
    """Pages that know a lede for everything but ``bad``, and may be slow."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds
        self.read: list[str] = []

    def enrich(self, article: Article, now: datetime) -> Article:
        self.read.append(article.title)
        time.sleep(self.seconds)
        if article.title == "bad":
            raise ZeroDivisionError
        return replace(article, summary=f"{now:%H:%M}")


def test_only_news_is_looked_up_and_a_bad_page_costs_nothing(newsroom: Newsroom) -> None:
    newsroom.pages = pages = Encyclopedia()
    newsroom.gather(rss(item("one"), item("bad")))

    newsroom.gather(rss(item("one"), item("two")))

    assert pages.read == ["one", "bad", "two"]
    assert {each.title: each.summary for each in newsroom.stored()} == {
        "one": "07:00",
        "bad": "",
        "two": f"{newsroom.now:%H:%M}",
    }


def test_pages_get_only_so_much_time(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courant.feeds.gather.PAGES_SECONDS", 0.05)
    newsroom.pages = pages = Encyclopedia(seconds=0.03)

    assert newsroom.gather(rss(*(item(f"{n}") for n in range(5)))).new == 5

    assert 1 <= len(pages.read) <= 3
    assert len(newsroom.stored()) == 5


def test_so_many_pages_are_read_a_visit(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("courant.feeds.gather.PAGES", 2)
    newsroom.pages = pages = Encyclopedia()
    enough = f"<description>{'Enough is said of this here. ' * 5}</description></item>"
    told = item("told").replace("</item>", enough)

    assert newsroom.gather(rss(told, *(item(f"{n}") for n in range(4)))).new == 5

    assert pages.read == ["0", "1"]


# ── documents ─────────────────────────────────────────────────────────────────────────────────


def test_future_date_does_not_count() -> None:
    body = rss("<item><title>a</title><link>/a</link><pubDate>1 Jan 2030</pubDate></item>")

    document = read_document(body, "", URL, feed_id="f", now=NOW)

    assert document.items[0].article.published is None
    assert document.items[0].article.date == NOW


def test_note_without_title_is_headed_by_its_words() -> None:
    body = rss("<item><description>Just words</description><link>/a</link></item>")

    (found,) = read_document(body, "", URL, feed_id="f", now=NOW).items

    assert (found.article.title, found.article.summary) == ("Just words", "")


# ── rounds ────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Crowd:
    """Gatherers that note who works when, and gather nothing."""

    seconds: float = 0.02
    gathered: list[str] = field(default_factory=list)
    at_once: int = 0
    most: int = 0
    made: int = 0

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.hosts: set[str] = set()

    def gatherer(self) -> Any:
        with self.lock:
            self.made += 1
        return self

    def gather(self, feed: str, _now: datetime) -> None:
        host = feed[0]
        with self.lock:
            assert host not in self.hosts, "one host, two visits at once"
            self.hosts.add(host)
            self.most = max(self.most, len(self.hosts))
        time.sleep(self.seconds)
        with self.lock:
            self.hosts.remove(host)
            self.gathered.append(feed)
        if feed.endswith("!"):
            raise ZeroDivisionError


def test_hosts_are_asked_at_once_and_their_feeds_in_turn() -> None:
    crowd = Crowd()
    hosts = {host: [f"{host}{n}" for n in range(3)] for host in "abcdefghijklmnopqrst"}

    Walker(crowd.gatherer, hosts_at_once=8).walk(hosts, clock.now() + DAY)

    assert sorted(crowd.gathered) == sorted(feed for feeds in hosts.values() for feed in feeds)
    for host, feeds in hosts.items():
        assert [feed for feed in crowd.gathered if feed[0] == host] == feeds
    assert 2 <= crowd.most <= 8
    assert crowd.made == len(hosts)


def test_what_one_feed_breaks_no_other_feels() -> None:
    crowd = Crowd(seconds=0)

    with pytest.raises(ExceptionGroup) as raised:
        Walker(crowd.gatherer).walk({"a": ["a1", "a2!", "a3"], "b": ["b1"]}, clock.now() + DAY)

    assert sorted(crowd.gathered) == ["a1", "a2!", "a3", "b1"]
    assert [type(error) for error in raised.value.exceptions] == [ZeroDivisionError]


def test_no_feed_is_begun_that_could_not_be_finished() -> None:
    crowd = Crowd(seconds=0)
    at = HandClock(NOW)

    with clock.use(at):
        Walker(crowd.gatherer).walk({"a": ["a1"]}, NOW + LONGEST_VISIT - MINUTE)
        assert crowd.gathered == []
        Walker(crowd.gatherer).walk({"a": ["a1"]}, NOW + LONGEST_VISIT)
        assert crowd.gathered == ["a1"]


# ── the function ──────────────────────────────────────────────────────────────────────────────


class Context:
    """An invocation with so many milliseconds left."""

    def __init__(self, left: int = 180_000) -> None:
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
    monkeypatch.setenv("BACKLOG", "")
    function.wire.cache_clear()
    yield FeedStore(table)
    function.wire.cache_clear()


def event(case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"gather.{case}.json").read_text())
    return found


def naming(*ids: str) -> dict[str, Any]:
    message = event("normal")
    message["Records"][0]["body"] = json.dumps({"feeds": {"127.0.0.1": ids}})
    return message


def test_function_gathers_the_feeds_it_is_told(environment: FeedStore, feed_server: int) -> None:
    urls = [f"http://127.0.0.1:{feed_server}/{name}" for name in ("feed", "other")]
    ids = [environment.register(url, NOW) for url in urls]

    with clock.use(lambda: NOW):
        assert function.handler(naming(*ids), Context()) == {"batchItemFailures": []}
    with clock.use(lambda: NOW + HOUR):
        assert function.handler(naming(*ids), Context()) == {"batchItemFailures": []}

    for feed in environment.several(ids).values():
        assert (feed.etag, feed.failures, feed.title) == ('"1"', 0, "The News")
        assert feed.fetched_at == NOW + HOUR


def test_feed_nobody_knows_is_no_failure(environment: FeedStore) -> None:
    assert function.handler(event("normal"), Context()) == {"batchItemFailures": []}
    assert environment.due(NOW, 1) == {}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("body", ['{"feeds":{"a":[1]}}', '{"feeds":["a"]}', '{"feeds":{"a":[""]}}'])
def test_message_that_can_not_be_read_goes_back_to_the_queue(body: str) -> None:
    message = event("bad")
    message["Records"] += event("normal")["Records"]
    message["Records"][1]["body"] = body

    failed = [{"itemIdentifier": record["messageId"]} for record in message["Records"][:2]]
    assert function.handler(message, Context()) == {"batchItemFailures": failed}


def test_table_that_can_not_be_reached_sends_the_message_back(
    environment: FeedStore, table: Table
) -> None:
    assert environment.due(NOW, 1) == {}
    table.delete()
    message = event("normal")

    assert function.handler(message, Context()) == {
        "batchItemFailures": [{"itemIdentifier": message["Records"][0]["messageId"]}]
    }


def test_feeds_without_time_stay_due_and_are_no_failure(environment: FeedStore) -> None:
    id_ = environment.register(URL, NOW)

    with clock.use(lambda: NOW):
        assert function.handler(naming(id_), Context(left=5_000)) == {"batchItemFailures": []}

    assert id_ in environment.due(NOW, 1)


@pytest.mark.usefixtures("environment")
def test_wrong_ports_are_a_deployments_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPEN_PORTS", "eighty")

    with pytest.raises(ConfigurationError, match="OPEN_PORTS"):
        function.handler(event("normal"), Context())


def test_function_opens_no_port_in_production(environment: FeedStore, monkeypatch: Any) -> None:
    monkeypatch.setenv("OPEN_PORTS", "")
    id_ = environment.register("http://127.0.0.1:8080/feed", NOW)

    with clock.use(lambda: NOW):
        assert function.handler(naming(id_), Context()) == {"batchItemFailures": []}

    feed = environment.get(id_)
    assert feed is not None
    assert feed.error == "its host is not on the public internet"


def test_fakes_have_the_signatures_of_what_they_stand_for() -> None:
    assert inspect.signature(Newsroom.fetch) == inspect.signature(Fetcher.fetch)
    assert list(inspect.signature(Sandbox.read_feed).parameters)[1:] == list(
        inspect.signature(read_document).parameters
    )


def test_lease_outlives_every_invocation() -> None:
    timeout = timedelta(seconds=functions()["gather"].timeout)

    assert LONGEST_VISIT * 2 < timeout < LEASE


# ── the heartbeat's part ──────────────────────────────────────────────────────────────────────


FEEDS = tuple(f"https://{host}.example.org/feed" for host in ("a", "b", "c"))


@pytest.fixture
def paper(stack: Stack, clock: HandClock) -> Paper:
    """A newsletter at 06:00 UTC with a reader and three feeds that were read last evening."""
    paper = Paper(stack, clock)
    paper.to(5, 30)
    paper.found(sections=[{"id": "world", "title": "World", "feeds": FEEDS}])
    paper.subscribe(1)
    for url in FEEDS:
        visited(paper, url, paper.at() - 8 * HOUR)
    stack.tick()
    return paper


def visited(paper: Paper, url: str, at: datetime, **changes: Any) -> None:
    """Let a feed have been visited, and not be due before noon."""
    feeds = FeedStore(paper.stack.table("content"))
    feeds.register(url, at)
    feeds.hurry(feed_id(url), at)
    feed = feeds.claim(feed_id(url), at)
    assert feed is not None
    due_at = paper.at().replace(hour=12, minute=0)
    feeds.finish(feed, replace(feed, **{"fetched_at": at, "due_at": due_at, **changes}))


def sent(paper: Paper) -> list[str]:
    """Feeds in waiting messages, and no message with two of a host's."""
    bodies = [json.loads(body)["feeds"] for body in paper.stack.queue("feeds").messages()]
    return sorted(feed for hosts in bodies for feeds in hosts.values() for feed in feeds)


def test_feeds_are_read_once_more_before_their_edition(paper: Paper) -> None:
    paper.to(5, 47)
    paper.stack.tick()
    assert sent(paper) == []

    for minute in (48, 48, 49, 50):
        paper.to(5, minute)
        paper.stack.tick()

    assert sent(paper) == sorted(map(feed_id, FEEDS))


def test_refresh_spares_who_was_just_read_or_wants_to_be_left_alone(paper: Paper) -> None:
    visited(paper, FEEDS[0], paper.at() + 14 * MINUTE)
    visited(paper, FEEDS[1], paper.at(), not_before=paper.at() + HOUR)
    paper.to(5, 48)

    paper.stack.tick()
    paper.to(5, 49)
    paper.stack.tick()

    assert sent(paper) == [feed_id(FEEDS[2])]


def test_refresh_is_made_up_for_after_missed_beats_but_not_too_late(paper: Paper) -> None:
    for minute in (55, 56):
        paper.to(5, minute)
        paper.stack.tick()
    assert len(sent(paper)) == 3

    paper.stack.queue("feeds").clear()
    paper.to(6, 30, day=23)
    for url in FEEDS:
        visited(paper, url, paper.at() - 8 * HOUR)
    paper.stack.tick()
    assert sent(paper) == []


def test_what_is_due_goes_out_before_what_is_hurried(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    FeedStore(paper.stack.table("content")).register(URL, paper.at())
    paper.to(5, 48)

    def slow(*_: object) -> bool:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

    with monkeypatch.context() as throttled:
        throttled.setattr(FeedStore, "hurry", slow)
        with pytest.raises(ClientError):
            paper.stack.tick()
    assert sent(paper) == [feed_id(URL)]

    # The watermark was not moved: the next beat makes up for it.
    for minute in (50, 51):
        paper.to(5, minute)
        paper.stack.tick()
    assert sorted(sent(paper)) == sorted(map(feed_id, [URL, *FEEDS]))


def test_refresh_takes_no_more_than_its_share_of_a_beat(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("courant.heartbeat._REFRESH_SECONDS", 0.05)
    monkeypatch.setattr("courant.heartbeat.time.monotonic", lambda: len(asked) * 0.03)
    asked: list[str] = []

    def slow(_store: FeedStore, id_: str, _now: datetime) -> bool:
        asked.append(id_)  # and time passes
        return True

    monkeypatch.setattr(FeedStore, "hurry", slow)
    paper.to(5, 48)

    paper.stack.tick()

    assert len(asked) == 2


def test_due_feed_is_enqueued_once_until_it_is_claimed_or_forgotten(paper: Paper) -> None:
    paper.to(12)
    for _ in range(4):
        paper.stack.tick()
        paper.clock.advance(minutes=1)
    assert len(sent(paper)) == 3

    paper.stack.queue("feeds").clear()
    paper.clock.advance(minutes=1)
    paper.stack.tick()
    assert len(sent(paper)) == 3


def test_host_is_left_alone_while_one_of_its_feeds_is_read(stack: Stack, clock: HandClock) -> None:
    paper = Paper(stack, clock)
    feeds = FeedStore(stack.table("content"))
    first = feeds.register("https://big.example/1", clock())
    stack.tick()
    assert sent(paper) == [first]
    stack.queue("feeds").clear()

    clock.advance(seconds=59)
    assert feeds.claim(first, clock()) is not None
    visit_ends = clock() + LONGEST_VISIT
    second = feeds.register("https://big.example/2", clock())
    while not sent(paper):
        clock.advance(seconds=1)
        if clock().second == NOW.second:
            stack.tick()

    assert sent(paper) == [second]
    assert visit_ends <= clock() <= visit_ends + 2 * MINUTE


def test_big_host_is_read_a_round_at_a_time(stack: Stack, clock: HandClock) -> None:
    paper = Paper(stack, clock)
    feeds = FeedStore(stack.table("content"))
    ids = {feeds.register(f"https://big.example/{n}", clock()) for n in range(2 * MOST + 5)}
    rounds = []

    for _ in range(4):
        stack.tick()
        rounds.append(found := sent(paper))
        stack.queue("feeds").clear()
        for id_ in found:
            feed = feeds.claim(id_, clock())
            assert feed is not None
            feeds.finish(feed, replace(feed, due_at=clock() + DAY))
        for _ in range(2):
            clock.advance(minutes=1)
            stack.tick()
            assert sent(paper) == []
        clock.advance(minutes=1)

    assert [len(each) for each in rounds] == [MOST, MOST, 5, 0]
    assert {feed for each in rounds for feed in each} == ids
