"""A feed's document → articles, cleaned and identified: parse → clean → identity.

Pure, from bytes to plain data: no network, no table. What is new among them is for gather.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from courant.articles import Article
from courant.feeds import clean, dates, identity, images
from courant.feeds.parse import parse_feed
from courant.feeds.raw import RawEntry, RawFeed


@dataclass(frozen=True, slots=True)
class Item:
    """An article as its feed has it now, with the keys by which the feed knows it again."""

    article: Article
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a feed holds. ``dropped`` entries had no usable link, no words, or were beyond the cap.

    ``title`` is the feed's own, "" where it has none.
    """

    title: str
    items: tuple[Item, ...]
    dropped: int


def read_document(
    body: bytes, content_type: str, url: str, *, feed_id: str, now: datetime
) -> Document:
    """The articles in a document found at ``url``, in its order, each once.

    ``first_seen`` is ``now`` for all of them.

    Raises:
        FeedUnreadable: not a feed; says what came instead.
    """
    raw = parse_feed(body, content_type, url)
    title = clean.clean_name(raw.title)
    source = title or (urlsplit(url).hostname or url).removeprefix("www.")
    identities = identity.identify([(entry.id, entry.links) for entry in raw.entries], raw.base)
    items: dict[str, Item] = {}
    dropped = raw.beyond_cap
    for position, (entry, who) in enumerate(zip(raw.entries, identities, strict=True)):
        article = _article(raw, entry, who, feed_id, source, position, now) if who else None
        if who is None or article is None:
            dropped += 1
        elif article.id in items:
            # Two entries at one URL are one article; all their keys lead to it.
            first = items[article.id]
            items[article.id] = Item(first.article, tuple(dict.fromkeys(first.keys + who.keys)))
        else:
            items[article.id] = Item(article, who.keys)
    return Document(title=title, items=tuple(items.values()), dropped=dropped)


def _article(
    raw: RawFeed,
    entry: RawEntry,
    who: identity.Identity,
    feed_id: str,
    source: str,
    position: int,
    now: datetime,
) -> Article | None:
    summary = next((text for part in entry.texts if (text := clean.clean_summary(part))), "")
    # Short notes have no title; their words stand in for it.
    title = clean.clean_title(entry.title) or clean.headline(summary)
    if not title:
        return None
    return Article(
        id=who.article_id,
        feed_id=feed_id,
        url=who.url,
        title=title,
        summary="" if summary == title else summary,
        source=source,
        first_seen=now,
        published=dates.believable(entry.dates, now),
        author=clean.clean_author(entry.authors),
        language=clean.clean_language(entry.language or raw.language),
        image=images.choose_image(entry, who.url),
        position=position,
    )
