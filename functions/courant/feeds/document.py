"""A feed's document → articles, cleaned and identified: parse → clean → identity.

Pure, from bytes to plain data: no network, no table. What is new among them is for gather.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from courant.articles import Article
from courant.feeds import dates, identity
from courant.feeds.cleaning import clean, images, names, places, words
from courant.feeds.cleaning import summary as summaries
from courant.feeds.parsing.parse import parse_feed
from courant.feeds.raw import RawEntry, RawFeed, RawRhythm

MAX_DROPS = 20
# A summary shorter than this says too little, and another text of the entry may say more.
ENOUGH_CHARS = 80
# A text with the same title and beginning is the same; one may have been corrected further down.
_SAME_CHARS = 100
# A piece that is posted twice is so within hours; what comes each day has the same words.
_TWICE_WITHIN = timedelta(hours=12)
# What is shorter is an excerpt, whatever it claims.
_PIECE_CHARS = 600
_PIECE_WORDS = 120
_COUNTED_CHARS = 400_000


@dataclass(frozen=True, slots=True)
class Item:
    """An article as its feed has it now, with the keys by which the feed knows it again."""

    article: Article
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a feed holds. ``dropped`` entries had no usable link, no words, or were beyond the cap.

    ``drops`` says so for an editor, a sentence for each of the first twenty. ``title`` is the
    feed's own, "" where it has none; ``home`` the site's address, absolute, or "". ``kind`` and
    ``rhythm`` are the document's own words (raw.py).
    """

    title: str
    items: tuple[Item, ...]
    dropped: int
    drops: tuple[str, ...] = ()
    kind: str = ""
    home: str = ""
    rhythm: RawRhythm = field(default_factory=RawRhythm)


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
    home = identity.canonical_url(raw.home, url) or "" if raw.home else ""
    forged = not title or clean.mixes_scripts(title)
    source = _host(url) if forged else names.source_name(title, _host(home or url))
    identities = identity.identify(
        [(entry.id, entry.links, clean.clean_title(entry.title)) for entry in raw.entries], raw.base
    )
    items: dict[str, Item] = {}
    told: dict[tuple[str, str], Article] = {}
    drops: list[str] = []
    dropped = raw.beyond_cap
    for position, (entry, who) in enumerate(zip(raw.entries, identities, strict=True)):
        private = who is not None and not places.leads_anywhere(who.url, url)
        article = (
            _article(raw, entry, who, feed_id, source, position, now)
            if who and not private
            else None
        )
        if who is None or article is None:
            dropped += 1
            drops.append(_why(entry, who, position, private=private))
            continue
        words_of = (article.title, article.summary[:_SAME_CHARS])
        # Two entries at one URL are one article, and so is one piece that was posted twice; all
        # their keys lead to it.
        same = items.get(article.id) or (
            items[twin.id] if (twin := told.get(words_of)) and _is_twin(article, twin) else None
        )
        if same:
            keys = tuple(dict.fromkeys(same.keys + who.keys))
            items[same.article.id] = Item(same.article, keys)
        else:
            items[article.id] = Item(article, who.keys)
            told.setdefault(words_of, article)
    return Document(
        title=title,
        items=tuple(items.values()),
        dropped=dropped,
        drops=tuple(drops[:MAX_DROPS]),
        kind=raw.kind,
        home=home,
        rhythm=raw.rhythm,
    )


def _host(url: str) -> str:
    """Whose feed it is, in ASCII: a forged name would be read as what it looks like."""
    host = urlsplit(identity.canonical_url(url) or url).hostname or url
    return host.removeprefix("www.")


def _is_twin(article: Article, other: Article) -> bool:
    """Whether two articles of the same words are one; a weekly quiz has the same words each week.

    Without dates nobody can tell.
    """
    return bool(
        article.summary
        and article.published
        and other.published
        and abs(article.published - other.published) <= _TWICE_WITHIN
    )


def _why(entry: RawEntry, who: identity.Identity | None, position: int, *, private: bool) -> str:
    name = clean.clean_title(entry.title)
    which = f"Entry {position + 1}" + (f" “{clean.headline(name)}”" if name else "")
    if private:
        return f"{which} has a link that leads to a private address."
    if who:
        return f"{which} has a link but no words."
    if entry.links:
        return f"{which} has a link that leads nowhere."
    return f"{which} has no link."


def _article(
    raw: RawFeed,
    entry: RawEntry,
    who: identity.Identity,
    feed_id: str,
    source: str,
    position: int,
    now: datetime,
) -> Article | None:
    title = clean.clean_title(entry.title)
    summary = _summary(entry, title)
    # Short notes have no title; their words stand in for it.
    title = title or clean.headline(summary)
    if not clean.shows(title):
        return None
    return Article(
        id=who.article_id,
        feed_id=feed_id,
        url=who.url,
        title=title,
        summary="" if words.same_words(summary, title) else summary,
        source=source,
        first_seen=now,
        published=dates.believable(entry.dates, now),
        author=_author(entry, source),
        language=clean.clean_language(entry.language or raw.language),
        image=images.choose_image(entry, who.url),
        position=position,
        words=_words(entry),
    )


def _author(entry: RawEntry, source: str) -> str | None:
    """Whom to name beside the source; nobody if that says the same."""
    author = clean.clean_author(entry.authors)
    return None if author and words.end_of_beginning(source, author) else author


def _summary(entry: RawEntry, title: str) -> str:
    """The first text that says more than the title; the texts are in order of preference."""
    best = ""
    for text in entry.texts:
        summary = summaries.clean_summary(text, title)
        if not summary or words.holds_words(title, summary):
            continue
        if words.weight(summary) >= ENOUGH_CHARS:
            return summary
        best = max(best, summary, key=len)
    return best


def _words(entry: RawEntry) -> int | None:
    """The length of the whole piece, if the feed has it: the longest text, not torn off."""
    whole = max(entry.texts, key=lambda text: len(text.value), default=None)
    if whole is None or len(whole.value) < _PIECE_CHARS or not summaries.is_whole(whole):
        return None
    text = whole.value[:_COUNTED_CHARS]
    count = words.count_html_words(text) if whole.is_html else words.count_words(text)
    # Nobody writes so short a piece and gives it to the feed in full; it is a teaser.
    return count if count >= _PIECE_WORDS else None
