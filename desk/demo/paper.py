"""The demo's own paper: news.yaml as feeds, pictures and article pages at an instant.

An item comes out on its day, at its hour; day 1 is ``first_day``. What is served has the address
that newsletters/demo.yaml names; the demo puts its loopback server in that place.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape, quoteattr

import yaml

from courant.clock import Clock
from desk.feed_server import Document

# The paper's site, as newsletters/demo.yaml and the mails' links have it.
SITE = "https://demo.courant.example"
FOLDER = Path(__file__).resolve().parent
IMAGES = FOLDER / "images"

_JPEG_FRAMES = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of a feed, and when it comes out."""

    slug: str
    title: str
    summary: str
    author: str
    image: str
    published: datetime

    @property
    def url(self) -> str:
        """Its page; the same slug in two feeds is one article."""
        return f"{SITE}/articles/{self.slug}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFeed:
    """One feed with all it will ever hold, newest first."""

    slug: str
    title: str
    format: Literal["rss", "atom", "json"]
    items: tuple[Item, ...]


class Paper:
    """The paper as a server has it: what came out by ``now``."""

    def __init__(self, first_day: date, now: Clock, news: Path = FOLDER / "news.yaml") -> None:
        self._now = now
        content = yaml.safe_load(news.read_text("utf-8"))
        self._feeds = {
            f"/feeds/{feed['slug']}.xml": _feed(feed, n, first_day)
            for n, feed in enumerate(content["feeds"])
        }

    def document(self, path: str) -> Document | None:
        """A feed, a picture or an article's page."""
        if feed := self._feeds.get(path):
            out = tuple(item for item in feed.items if item.published <= self._now())
            body, content_type = _WRITERS[feed.format](feed, out)
            modified = max((item.published for item in out), default=None)
            return Document(body=body.encode(), content_type=content_type, modified=modified)
        if path.startswith("/images/"):
            return _picture(path.removeprefix("/images/"))
        if path.startswith("/articles/"):
            return self._article(path.removeprefix("/articles/"))
        return None

    def _article(self, slug: str) -> Document | None:
        for feed in self._feeds.values():
            for item in feed.items:
                if item.slug == slug:
                    page = _page(feed, item).encode()
                    return Document(body=page, content_type="text/html; charset=utf-8")
        return None


def _feed(feed: dict[str, Any], number: int, first_day: date) -> PaperFeed:
    midnight = datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC)
    # Desks don't file on the hour, and two items of one instant would be ordered by chance; the
    # first feed's comes out last, so that it leads.
    minutes = max(38 - 4 * number, 0)
    items = [
        Item(
            slug=item["slug"],
            title=item["title"].strip(),
            summary=item.get("summary", "").strip(),
            author=item.get("author", ""),
            image=item.get("image", ""),
            published=midnight
            + timedelta(days=item["day"] - 1, hours=item["hour"], minutes=minutes),
        )
        for item in feed["items"]
    ]
    items.sort(key=lambda item: item.published, reverse=True)
    return PaperFeed(
        slug=feed["slug"], title=feed["title"], format=feed["format"], items=tuple(items)
    )


def _rss(feed: PaperFeed, items: Sequence[Item]) -> tuple[str, str]:
    written = "".join(
        f"<item><title>{escape(item.title)}</title><link>{item.url}</link>"
        f'<guid isPermaLink="true">{item.url}</guid>'
        f"<pubDate>{format_datetime(item.published, usegmt=True)}</pubDate>"
        + (f"<dc:creator>{escape(item.author)}</dc:creator>" if item.author else "")
        + (f"<description>{escape(item.summary)}</description>" if item.summary else "")
        + _media(item)
        + "</item>\n"
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:media="http://search.yahoo.com/mrss/">\n'
        f"<channel><title>{escape(feed.title)}</title><link>{SITE}/</link>"
        f"<description>{escape(feed.title)}</description><language>en</language>\n"
        f"{written}</channel></rss>\n"
    ), "application/rss+xml; charset=utf-8"


def _atom(feed: PaperFeed, items: Sequence[Item]) -> tuple[str, str]:
    written = "".join(
        f"<entry><title>{escape(item.title)}</title><link href={quoteattr(item.url)}/>"
        f"<id>{item.url}</id><published>{item.published.isoformat()}</published>"
        f"<updated>{item.published.isoformat()}</updated>"
        + (f"<author><name>{escape(item.author)}</name></author>" if item.author else "")
        + (f'<summary type="html">{escape(item.summary)}</summary>' if item.summary else "")
        + _media(item)
        + "</entry>\n"
        for item in items
    )
    updated = max((item.published for item in items), default=datetime(1970, 1, 1, tzinfo=UTC))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">\n'
        f"<title>{escape(feed.title)}</title><id>{SITE}/feeds/{feed.slug}</id>"
        f'<link href="{SITE}/"/><updated>{updated.isoformat()}</updated>'
        f"<author><name>{escape(feed.title)}</name></author>\n{written}</feed>\n"
    ), "application/atom+xml; charset=utf-8"


def _json(feed: PaperFeed, items: Sequence[Item]) -> tuple[str, str]:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": f"{SITE}/",
        "feed_url": f"{SITE}/feeds/{feed.slug}.xml",
        "language": "en",
        "items": [
            {
                "id": item.url,
                "url": item.url,
                "title": item.title,
                "content_html": item.summary,
                "date_published": item.published.isoformat(),
            }
            | ({"authors": [{"name": item.author}]} if item.author else {})
            | ({"image": f"{SITE}/images/{item.image}"} if item.image else {})
            for item in items
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1), "application/feed+json"


_WRITERS: dict[str, Callable[[PaperFeed, Sequence[Item]], tuple[str, str]]] = {
    "rss": _rss,
    "atom": _atom,
    "json": _json,
}


def _media(item: Item) -> str:
    if not item.image:
        return ""
    size = _size(item.image)
    sides = f' width="{size[0]}" height="{size[1]}"' if size else ""
    return (
        f"<media:content url={quoteattr(f'{SITE}/images/{item.image}')}"
        f' medium="image" type="image/jpeg"{sides}/>'
    )


def picture_at(url: str) -> Document | None:
    """The picture at an address of the paper's site, or None."""
    name = url.removeprefix(f"{SITE}/images/")
    return _picture(name) if name != url else None


def _picture(name: str) -> Document | None:
    # Only a plain name of a file that is there: no path out of the folder.
    path = IMAGES / Path(name).name
    if Path(name).name != name or path.suffix != ".jpg" or not path.is_file():
        return None
    return Document(body=path.read_bytes(), content_type="image/jpeg")


@cache
def _size(name: str) -> tuple[int, int] | None:
    """Width and height in pixels, from a JPEG's first frame header (ITU T.81, B.2.2)."""
    picture = _picture(name)
    body = picture.body if picture else b""
    at = 2
    while at + 9 <= len(body):
        _, marker, length = struct.unpack_from(">BBH", body, at)
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", body, at + 5)
            return width, height
        at += 2 + length
    return None


def _page(feed: PaperFeed, item: Item) -> str:
    picture = f'<img src="/images/{item.image}" alt="">' if item.image else ""
    author = f" · {escape(item.author)}" if item.author else ""
    return (
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(item.title)}</title>"
        "<style>body{max-width:40rem;margin:3rem auto;padding:0 1rem;font:19px/1.55 Georgia,serif}"
        "h1{font-size:2rem;line-height:1.2}img{width:100%;height:auto}small{opacity:.7}</style>"
        f'<p><small>{escape(feed.title)}{author}</small></p><h1 dir="auto">{escape(item.title)}'
        f"</h1>{picture}{item.summary}"
        "<p><small>This is where the article would be. Its town does not exist.</small></p>"
    )
