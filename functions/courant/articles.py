"""An article, and where articles are kept.

Content table: ``F#<feed>`` / ``A#<first seen>#<article>``, so "what did we first see since …" is
one Query a feed. What makes two entries the same article is decided in feeds/identity.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Key

from courant import aws
from courant.clock import from_stamp, stamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

# Long enough that a monthly cadence finds two periods of news.
KEPT = timedelta(days=70)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture to show with an article; width and height in pixels where the feed said so."""

    url: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One piece at one canonical URL, cleaned: every text is plain, without markup or controls.

    ``published`` is what the feed says and only orders; ``first_seen`` is ours and decides what is
    new. ``position`` is the place in the feed's document, which breaks ties.
    """

    id: str
    feed_id: str
    url: str
    title: str
    summary: str
    source: str
    first_seen: datetime
    published: datetime | None = None
    author: str | None = None
    language: str | None = None
    image: Image | None = None
    position: int = 0

    @property
    def date(self) -> datetime:
        """When it was published, as far as anyone knows."""
        return self.published or self.first_seen


class ArticleStore:
    """Articles in the content table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, articles: Iterable[Article]) -> int:
        """Keep new articles; the number kept."""
        return aws.put_all(self._table, (_to_item(article) for article in articles))

    def seen_between(self, feed_id: str, since: datetime, until: datetime) -> Iterator[Article]:
        """What a feed brought that we first saw in ``(since, until]``, oldest first."""
        items = aws.query(
            self._table,
            KeyConditionExpression=Key("PK").eq(f"F#{feed_id}")
            & Key("SK").between(f"A#{stamp(since)}#~", f"A#{stamp(until)}#~"),
        )
        return (_from_item(item) for item in items)


def _to_item(article: Article) -> aws.Item:
    item: aws.Item = {
        "PK": f"F#{article.feed_id}",
        "SK": f"A#{stamp(article.first_seen)}#{article.id}",
        "url": article.url,
        "title": article.title,
        "summary": article.summary,
        "source": article.source,
        "position": article.position,
        "ttl": int((article.first_seen + KEPT).timestamp()),
    }
    if article.published:
        item["published"] = stamp(article.published)
    if article.author:
        item["author"] = article.author
    if article.language:
        item["language"] = article.language
    if article.image:
        item["image"] = {"url": article.image.url}
        if article.image.width and article.image.height:
            item["image"] |= {"width": article.image.width, "height": article.image.height}
    return item


def _from_item(item: aws.Item) -> Article:
    _, first_seen, article_id = item["SK"].split("#", 2)
    image = item.get("image")
    return Article(
        id=article_id,
        feed_id=item["PK"].removeprefix("F#"),
        url=item["url"],
        title=item["title"],
        summary=item["summary"],
        source=item["source"],
        first_seen=from_stamp(first_seen),
        published=from_stamp(item["published"]) if "published" in item else None,
        author=item.get("author"),
        language=item.get("language"),
        image=Image(image["url"], _int(image.get("width")), _int(image.get("height")))
        if image
        else None,
        position=int(item["position"]),
    )


def _int(value: object) -> int | None:
    return None if value is None else int(str(value))
