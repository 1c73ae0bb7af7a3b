"""The pages of articles whose feeds say too little: fetched, read, kept.

Content table: ``U#<article>`` / ``PAGE`` holds what a page says, or that nothing could be read.
Feeds share it, so what is kept depends on the page alone and not on who asked first; whether it is
about an article is judged at each use (lacking.py). Pages come through the same wall as feeds,
fetch.py and sandbox.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from courant import aws, log
from courant.articles import KEPT, Article, image_from_item, image_to_item
from courant.clock import from_stamp, stamp
from courant.errors import FeedError, FeedUnreachable
from courant.feeds import identity
from courant.feeds.fetching.fetch import Fetched, Fetcher, FetchFailed
from courant.feeds.pages import lacking
from courant.feeds.pages.body import Block
from courant.feeds.pages.page import Page
from courant.feeds.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

# A page that could not be read, or was about something else, is asked again; a site may have had a
# bad day.
FAILURE_KEPT = timedelta(days=1)
_HTML = re.compile(r"\s*(?:text/html|application/xhtml\+xml|application/xml|text/xml)?\s*(?:;|$)")
# Episodes and photographs are their own articles, and megabytes without a word.
_MEDIA = re.compile(
    r"\.(?:mp3|m4a|ogg|opus|wav|mp4|m4v|mov|webm|jpe?g|png|gif|webp|pdf|zip|epub|docx?|xlsx?)$",
    re.IGNORECASE,
)
# Of a page's text, enough to see what it is about.
_BEGINNING_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Pages:
    """Fills in what feeds left out of their articles."""

    table: Table
    fetcher: Fetcher
    sandbox: Sandbox

    def enrich(self, article: Article, now: datetime) -> Article:
        """The article, with what its page says if its feed says too little.

        Whatever the page does, the article comes back, at worst as it was.

        Raises:
            ClientError: DynamoDB failed.
            ReaderUnavailable: nobody could read the page, which says nothing about it.
        """
        if not lacking.too_little(article) or _MEDIA.search(urlsplit(article.url).path):
            return article
        item = self._kept(article, now)
        if item is None:
            item = self._look(article, now)
            self.table.put_item(Item=item)
        if not item.get("found"):
            return article
        page = _from_item(item)
        return lacking.filled(article, page) if lacking.is_about(page, article) else article

    def _kept(self, article: Article, now: datetime) -> aws.Item | None:
        item = self.table.get_item(Key=_key(article)).get("Item")
        # DynamoDB takes its time, days at worst, to clear away what has expired.
        return item if item and int(str(item["ttl"])) > now.timestamp() else None

    def _look(self, article: Article, now: datetime) -> aws.Item:
        """What to keep of an article's page: its findings, or only that there are none."""
        found: aws.Item = {}
        kept = FAILURE_KEPT
        try:
            page = self._read(article.url, now)
        except FeedError as error:
            # Not its sentence, which may quote the page.
            log.event("page", status="failed", article=article.id, error=type(error).__name__)
        else:
            found = _to_item(page)
            about = lacking.is_about(page, article)
            log.event("page", status="read" if about else "other", article=article.id)
            kept = KEPT if about else FAILURE_KEPT
        return _key(article) | found | {"ttl": int((now + kept).timestamp())}

    def _read(self, url: str, now: datetime) -> Page:
        match self.fetcher.fetch(url):
            case Fetched() as fetched if _HTML.match(fetched.content_type.lower()):
                return self.sandbox.read_page(
                    fetched.body, fetched.content_type, fetched.url, now=now
                )
            case FetchFailed(error):
                raise error
            case _:
                raise FeedUnreachable(url, "it sent no web page")


def _key(article: Article) -> aws.Item:
    # Of the address that is asked for, not the article's id, which its feed's reader gave it.
    return {"PK": f"U#{identity.article_id(article.url)}", "SK": "PAGE"}


def _to_item(page: Page) -> aws.Item:
    beginning = " ".join(block.text for block in page.body)[:_BEGINNING_CHARS]
    found = {
        "title": page.title,
        "beginning": beginning,
        "lede": page.lede,
        "image": image_to_item(page.image),
        "author": page.author,
        "published": stamp(page.published) if page.published else None,
        "language": page.language,
        "section": page.section,
        "words": page.words,
    }
    return {"found": True} | {name: value for name, value in found.items() if value}


def _from_item(item: aws.Item) -> Page:
    return Page(
        title=item.get("title"),
        lede=item.get("lede"),
        image=image_from_item(item.get("image")),
        author=item.get("author"),
        published=from_stamp(item["published"]) if "published" in item else None,
        language=item.get("language"),
        section=item.get("section"),
        words=int(item["words"]) if "words" in item else None,
        body=(Block(item["beginning"]),) if "beginning" in item else (),
    )
