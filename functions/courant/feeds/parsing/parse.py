"""A feed's document → raw entries: RSS and Atom through feedparser, JSON Feed directly.

Pure, and the part that may be slow or die on hostile input: it takes bytes and gives plain data,
so that it can run in a process of its own. Nothing here is safe to print; clean.py makes it so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import islice
from typing import Any
from urllib.parse import urljoin, urlsplit

from courant.errors import FeedUnreadable
from courant.feeds import dates
from courant.feeds.parsing import xmlfeed
from courant.feeds.parsing.decode import decode
from courant.feeds.parsing.jsonfeed import parse_json_feed
from courant.feeds.parsing.prolog import check_structure, root_name, what_came, without_doctype
from courant.feeds.raw import (
    MAX_ID_BYTES,
    MAX_LINKS,
    MAX_NAMES,
    MAX_TEXT_CHARS,
    MAX_TITLE_CHARS,
    RawEntry,
    RawFeed,
    RawImage,
    RawRhythm,
    RawText,
)

MAX_ENTRIES = 500

# References to controls, to surrogates and beyond; by far the most, like &#8217;, are none.
_SUSPECT = re.compile(
    r"&#(?:([0-9]{5,}|0[0-9]*|[0-9]{1,2}(?![0-9]))"
    r"|[xX](0[0-9A-Fa-f]*|[0-9A-Fa-f]{5,}|[DdFf][0-9A-Fa-f]{3}|[0-9A-Fa-f](?![0-9A-Fa-f])"
    r"|1[0-9A-Fa-f](?![0-9A-Fa-f])));?"
)
# RSS's skipHours and skipDays: feedparser keeps only the last of each.
_SKIPPED = re.compile(r"<skip(hours|days)\b[^<>]{0,100}>", re.IGNORECASE)
_SKIPPED_END = re.compile("</skip", re.IGNORECASE)
_SKIPPED_PART = re.compile(r"<(hour|day)\s*>\s*(\w{1,12})\s*</\1\s*>", re.IGNORECASE)
_SKIPPED_CHARS = 4000
_RHYTHM_CHARS = 32
# "[Courant](https://…" or "[main]": a readme or a configuration, no broken JSON.
_PROSE = re.compile(r"\[\s{0,99}[^\s\[\]{\"0-9tfn-]|\[[a-z]+[\] ]")
_PAGES = frozenset({"html", "!doctype"})
_FEED_TAG = re.compile(r"<(?:rss|feed|rdf:rdf|channel|item|entry)\b", re.IGNORECASE)
_RSS11 = "http://purl.org/net/rss1.1#"
# Tags that feeds write into titles and summaries, escaped, without saying that they are HTML.
_TAG = re.compile(
    r"<(?:/\w|(?:a|abbr|b|blockquote|br|cite|code|div|em|font|h[1-6]|hr|i|img|li|ol|p|q|s|small|"
    r"span|strong|sub|sup|table|u|ul)(?:\s[^<>]*)?/?>)",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)


def parse_feed(body: bytes, content_type: str, url: str) -> RawFeed:
    """The entries of a document that was found at ``url``.

    A document that is broken but has entries is used.

    Raises:
        FeedUnreadable: not a feed; says what came instead.
    """
    if not body.strip():
        raise FeedUnreadable(url, "it sent an empty answer")
    text = decode(body, content_type).strip()
    if text.startswith(("{", "[")) and not _PROSE.match(text):
        return parse_json_feed(text, url, MAX_ENTRIES)
    if not text:
        raise FeedUnreadable(url, "it sent an empty answer")
    # In this order: a reference to nothing may be all that keeps a DOCTYPE from being one.
    text = without_doctype(without_illegal_references(text))
    document = xmlfeed.read_plain(text, MAX_ENTRIES)
    if document is None and root_name(text) in _PAGES and not _FEED_TAG.search(text):
        # feedparser would look for entries to the end of the page.
        raise FeedUnreadable(url, what_came(text, body))
    return _raw(document or _parse_xml(text, url), text, url, body)


def _raw(document: Any, text: str, url: str, body: bytes = b"") -> RawFeed:
    entries, feed = document["entries"], document["feed"]
    version = document.get("version") or _unnamed_version(text)
    if not version and (not entries or root_name(text) in _PAGES):
        raise FeedUnreadable(url, what_came(text, body))
    if document["bozo"] and not entries:
        raise FeedUnreadable(url, "it is broken, and no entry can be read")
    return RawFeed(
        title=_text(feed.get("title_detail"), version),
        language=_string(feed.get("language")),
        base=_base(feed, version, url),
        home=_home(feed),
        kind=version,
        rhythm=RawRhythm(
            ttl=_string(feed.get("ttl"))[:_RHYTHM_CHARS],
            skip_hours=_skipped(text, "hour") if "hour" in feed else (),
            skip_days=_skipped(text, "day") if "day" in feed else (),
            update_period=_string(feed.get("sy_updateperiod"))[:_RHYTHM_CHARS],
            update_frequency=_string(feed.get("sy_updatefrequency"))[:_RHYTHM_CHARS],
        ),
        entries=tuple(_entry(entry, version) for entry in entries[:MAX_ENTRIES]),
        beyond_cap=max(len(entries) - MAX_ENTRIES, 0) + document.get("beyond", 0),
    )


def _unnamed_version(text: str) -> str:
    # feedparser reads RSS 1.1 well and has no name for it.
    return "rss11" if _RSS11 in text[:4000] and root_name(text) == "channel" else ""


def _parse_xml(text: str, url: str) -> Any:
    # Late: it takes a tenth of a second to load, and most feeds don't need it.
    import feedparser

    try:
        check_structure(text)
    except ValueError as error:
        raise FeedUnreadable(url, str(error)) from error
    try:
        # A stream, never a string: feedparser would open a string as URL or file. No base either,
        # so that relative links stay recognisable and are resolved by rules of our own.
        return feedparser.parse(
            BytesIO(text.encode("utf-8")),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as error:
        # Third-party code on a stranger's bytes: whatever it stumbles over is this feed's fault.
        raise FeedUnreadable(url, f"it can't be parsed ({type(error).__name__})") from error


def without_illegal_references(text: str) -> str:
    """One reference to a character that XML forbids makes expat give up, and some, feedparser."""
    return _SUSPECT.sub(_legal, text)


def _legal(reference: re.Match[str]) -> str:
    digits = reference[1] or reference[2]
    code = int(digits, 10 if reference[1] else 16) if len(digits) <= 10 else 0
    allowed = code in {9, 10, 13} or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE
    return reference[0] if allowed or 0x10000 <= code <= 0x10FFFF else ""


def _base(feed: Any, version: str, url: str) -> str:
    # RSS has no base of its own: its links are relative to the site, if at all. Atom's are
    # relative to xml:base, which feedparser has seen to, else to the document (RFC 4287 §2).
    if version.startswith("rss"):
        link = _join(url, _string(feed.get("link")))
        if link.startswith(("http://", "https://")):
            return link
    return url


def _home(feed: Any) -> str:
    # feedparser takes an id for a link where there is none; "tag:example.org,2026:1" is no place.
    link = _string(feed.get("link"))
    return link if link != _string(feed.get("id")) or _is_web(link) else ""


def _skipped(text: str, part: str) -> tuple[str, ...]:
    # The first few, since somebody may write about them; and no more, since somebody may be mean.
    for start in islice(_SKIPPED.finditer(text), 8):
        if start[1].lower() == part + "s":
            listed = text[start.end() : start.end() + _SKIPPED_CHARS]
            parts = _SKIPPED_PART.findall(_SKIPPED_END.split(listed, maxsplit=1)[0])
            if values := [value for name, value in parts if name.lower() == part]:
                return tuple(values[:MAX_NAMES])
    return ()


def _entry(entry: Any, version: str) -> RawEntry:
    contents = [part for part in entry.get("content", ()) if isinstance(part, dict)]
    details = (entry.get("summary_detail"), *contents[:MAX_NAMES])
    id_ = _string(entry.get("id"))
    return RawEntry(
        id=id_ if len(id_.encode("utf-8", "replace")) <= MAX_ID_BYTES else "",
        links=_first(_links(entry), MAX_LINKS),
        title=_text(entry.get("title_detail"), version, MAX_TITLE_CHARS),
        texts=tuple(text for detail in details if (text := _text(detail, version))),
        authors=_first(_authors(entry)),
        dates=tuple(
            date
            for name in ("published_parsed", "updated_parsed", "created_parsed")
            # `in` first: feedparser warns when it answers one date's name with another date
            if name in entry and (date := dates.from_struct(entry.get(name)))
        ),
        images=tuple(islice(_images(entry), MAX_NAMES)),
        categories=_first(_categories(entry)),
        base=next((_string(part.get("base")) for part in details if part), ""),
        language=_string((entry.get("title_detail") or {}).get("language")),
    )


def _first(texts: Iterable[str], limit: int = MAX_NAMES) -> tuple[str, ...]:
    return tuple(islice(dict.fromkeys(texts), limit))


def _categories(entry: Any) -> Iterator[str]:
    for tag in _dicts(entry.get("tags")):
        if name := _string(tag.get("label")) or _string(tag.get("term")):
            yield name


def _links(entry: Any) -> Iterator[str]:
    id_ = _string(entry.get("id"))
    # FeedBurner's own links lead through a redirect of a service long gone.
    for name in ("feedburner_origlink", "link"):
        link = _string(entry.get(name))
        # feedparser takes a guid for a link when there is none; a relative guid is no link.
        if link and (link != id_ or _is_web(link)):
            yield link
    for link in _dicts(entry.get("links")):
        if link.get("rel", "alternate") == "alternate" and link.get("href"):
            yield _string(link["href"])
    if _is_web(id_):
        yield id_
    # An episode without a page of its own is at its recording.
    for link in _dicts(entry.get("links")):
        if link.get("rel") == "enclosure" and link.get("href"):
            yield _string(link["href"])


def _authors(entry: Any) -> Iterator[str]:
    people = [*_dicts(entry.get("authors")), entry.get("author_detail") or {}]
    for person in people:
        if name := _string(person.get("name")):
            yield name


def _images(entry: Any) -> Iterator[RawImage]:
    media = [
        item
        for item in _dicts(entry.get("media_content"))
        if _is_picture(item, default=item.get("medium") == "image")
    ]
    # The biggest first: feeds list the same picture in several sizes, in any order.
    media.sort(key=lambda item: _number(item.get("width")), reverse=True)
    enclosures = [
        link
        for link in _dicts(entry.get("links"))
        if link.get("rel") == "enclosure" and _is_picture(link, default=False)
    ]
    itunes = [entry["image"]] if isinstance(entry.get("image"), dict) else []
    for item in (*media, *_dicts(entry.get("media_thumbnail")), *enclosures, *itunes):
        if url := _string(item.get("url") or item.get("href")):
            yield RawImage(url, _string(item.get("width")), _string(item.get("height")))


def _is_picture(item: Any, *, default: bool) -> bool:
    if kind := _string(item.get("type")):
        return kind.startswith("image/")
    path = _string(item.get("url") or item.get("href")).partition("?")[0].lower()
    return default or path.endswith((".jpg", ".jpeg", ".png", ".webp", ".gif"))


def _text(detail: Any, version: str, limit: int = MAX_TEXT_CHARS) -> RawText | None:
    value = _string(detail.get("value"))[:limit] if isinstance(detail, dict) else ""
    if not value:
        return None
    kind = _string(detail.get("type"))
    if kind != "text/plain":
        return RawText(value)
    # Atom says what it means. In RSS nobody knows, so: HTML, if it has tags or entities.
    guess = not version.startswith("atom") and (
        ("<" in value and _TAG.search(value)) or ("&" in value and _ENTITY.search(value))
    )
    return RawText(value, is_html=bool(guess))


def _dicts(value: Any) -> Iterable[Any]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _string(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: Any) -> int:
    text = _string(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _join(base: str, url: str) -> str:
    try:
        return urljoin(base, url) if url and urlsplit(url) else ""
    except ValueError:
        return ""
