"""Articles: what they know of themselves, and that the table gives them back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from courant.articles import KEPT, Article, ArticleStore, Image
from tests import content_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
BARE = Article(
    id="a" * 32,
    feed_id="f" * 32,
    url="https://example.org/a",
    title="Rain",
    summary="",
    source="Weather",
    first_seen=NOW,
)
FULL = replace(
    BARE,
    id="b" * 32,
    summary="It rained all day.",
    published=NOW - timedelta(hours=3),
    author="Ann",
    language="nl",
    image=Image("https://example.org/a.jpg", 640, 360),
    position=7,
    section="Weather",
    words=440,
)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield content_table.make()


@pytest.mark.parametrize(
    "article",
    [
        BARE,
        FULL,
        replace(BARE, image=Image("https://example.org/a.jpg")),
        replace(BARE, image=Image("https://example.org/a.jpg", 640)),
    ],
)
def test_an_article_comes_back_as_it_was_kept(table: Table, article: Article) -> None:
    store = ArticleStore(table)
    store.put([article])

    (found,) = store.seen_between(article.feed_id, NOW - timedelta(1), NOW)

    # Half a size is no size.
    sized = article.image and article.image.width and article.image.height
    expected = article.image and (article.image if sized else Image(article.image.url))
    assert found == replace(article, image=expected)


def test_an_article_is_kept_for_two_months_and_what_is_unknown_takes_no_room(table: Table) -> None:
    ArticleStore(table).put([BARE])

    (item,) = table.scan()["Items"]

    assert item["ttl"] == int((NOW + KEPT).timestamp())
    assert not {"author", "language", "section", "words", "image", "published"} & set(item)


@pytest.mark.parametrize(
    ("words", "minutes"),
    [(None, None), (0, None), (1, 1), (220, 1), (330, 2), (440, 2), (2200, 10)],
)
def test_reading_takes_a_minute_at_least(words: int | None, minutes: int | None) -> None:
    assert replace(BARE, words=words).reading_minutes == minutes


def test_an_article_without_a_date_is_as_old_as_our_first_sight_of_it() -> None:
    assert BARE.date == NOW
    assert FULL.date == NOW - timedelta(hours=3)
