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
# Silent reading of prose, grown-ups, Latin script: Brysbaert, "How many words do we read per
# minute?", 2019, rounded down, since digests are read on trains.
WORDS_A_MINUTE = 220


@dataclass(frozen=True, slots=True)
class Image:
    """A picture to show with an article; width and height in pixels where feed or page said so."""

    url: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One piece at one canonical URL, cleaned: every text is plain, without markup or controls.

    ``published`` is what the feed says and only orders; ``first_seen`` is ours and decides what is
    new. ``position`` is the place in the feed's document, which breaks ties. ``section`` is what
    its own site files it under, ``words`` the length of the whole piece, where we have seen it.
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
    section: str | None = None
    words: int | None = None

    @property
    def reading_minutes(self) -> int | None:
        """How long the whole piece takes to read, at least one minute; None if nobody knows."""
        return max(1, round(self.words / WORDS_A_MINUTE)) if self.words else None

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
    optional = {
        "author": article.author,
        "language": article.language,
        "section": article.section,
        "words": article.words,
        "image": image_to_item(article.image),
    }
    return item | {name: value for name, value in optional.items() if value}


def _from_item(item: aws.Item) -> Article:
    _, first_seen, article_id = item["SK"].split("#", 2)
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
        image=image_from_item(item.get("image")),
        position=int(item["position"]),
        section=item.get("section"),
        words=_int(item.get("words")),
    )


def image_to_item(image: Image | None) -> aws.Item | None:
    """A picture as DynamoDB keeps it."""
    if image is None:
        return None
    size = {"width": image.width, "height": image.height}
    return {"url": image.url} | (size if image.width and image.height else {})


def image_from_item(item: aws.Item | None) -> Image | None:
    """The picture that ``image_to_item`` wrote."""
    return Image(item["url"], _int(item.get("width")), _int(item.get("height"))) if item else None


def _int(value: object) -> int | None:
    return None if value is None else int(str(value))
