"""A feed's document → raw entries: RSS and Atom through feedparser, JSON Feed directly.

Pure, and the part that may be slow or die on hostile input: it takes bytes and gives plain data,
so that it can run in a process of its own. Nothing here is safe to print; clean.py makes it so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser

from courant.errors import FeedUnreadable
from courant.feeds import dates
from courant.feeds.decode import decode
from courant.feeds.jsonfeed import parse_json_feed
from courant.feeds.raw import RawEntry, RawFeed, RawImage, RawText

MAX_ENTRIES = 500

_FIRST_TAG = re.compile(r"<([A-Za-z][\w.:-]{0,40})")
_REFERENCE = re.compile(r"&#(?:([0-9]+)|[xX]([0-9A-Fa-f]+));?")
_HTML_DOCTYPE = re.compile(r"<!doctype\s{1,20}html", re.IGNORECASE)
_NOT_ELEMENTS = (("<!--", "-->"), ("<?", "?>"))
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
    if text.startswith(("{", "[")):
        return parse_json_feed(text, url, MAX_ENTRIES)
    document = _parse_xml(text, url)
    entries = document["entries"]
    if not document.get("version") and (not entries or _root(text) in {"html", "!doctype"}):
        raise FeedUnreadable(url, _what_came(text))
    if document["bozo"] and not entries:
        raise FeedUnreadable(url, "it is broken, and no entry can be read")
    feed = document["feed"]
    return RawFeed(
        title=_text(feed.get("title_detail"), document["version"]),
        language=_string(feed.get("language")),
        base=_base(feed, document["version"], url),
        entries=tuple(_entry(entry, document["version"]) for entry in entries[:MAX_ENTRIES]),
        beyond_cap=max(len(entries) - MAX_ENTRIES, 0),
    )


def _parse_xml(text: str, url: str) -> Any:
    try:
        # A stream, never a string: feedparser would open a string as URL or file. No base either,
        # so that relative links stay recognisable and are resolved by rules of our own.
        return feedparser.parse(
            BytesIO(_REFERENCE.sub(_legal, text).encode("utf-8")),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as error:
        # Third-party code on a stranger's bytes: whatever it stumbles over is this feed's fault.
        raise FeedUnreadable(url, f"it can't be parsed ({type(error).__name__})") from error


def _legal(reference: re.Match[str]) -> str:
    # One reference to a character that XML forbids makes expat give up, and some, feedparser.
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


def _entry(entry: Any, version: str) -> RawEntry:
    contents = [part for part in entry.get("content", ()) if isinstance(part, dict)]
    details = (entry.get("summary_detail"), *contents)
    return RawEntry(
        id=_string(entry.get("id")),
        links=tuple(dict.fromkeys(_links(entry))),
        title=_text(entry.get("title_detail"), version),
        texts=tuple(text for detail in details if (text := _text(detail, version))),
        authors=tuple(dict.fromkeys(_authors(entry))),
        dates=tuple(
            date
            for name in ("published_parsed", "updated_parsed", "created_parsed")
            # `in` first: feedparser warns when it answers one date's name with another date
            if name in entry and (date := dates.from_struct(entry.get(name)))
        ),
        images=tuple(_images(entry)),
        base=next((_string(part.get("base")) for part in details if part), ""),
        language=_string((entry.get("title_detail") or {}).get("language")),
    )


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


def _text(detail: Any, version: str) -> RawText | None:
    value = _string(detail.get("value")) if isinstance(detail, dict) else ""
    if not value:
        return None
    kind = _string(detail.get("type"))
    if kind != "text/plain":
        return RawText(value)
    # Atom says what it means. In RSS nobody knows, so: HTML, if it has tags or entities.
    guess = not version.startswith("atom") and bool(_TAG.search(value) or _ENTITY.search(value))
    return RawText(value, is_html=guess)


def _root(text: str) -> str:
    """The first element's name, lower case; found step by step: a pattern could be made slow."""
    head, position = text[:20_000], 0
    while (start := head.find("<", position)) >= 0:
        if match := _FIRST_TAG.match(head, start):
            return match[1].lower()
        if _HTML_DOCTYPE.match(head, start):
            return "html"
        ending = next(
            (end for opening, end in _NOT_ELEMENTS if head.startswith(opening, start)), ">"
        )
        position = head.find(ending, start)
        if position < 0:
            return ""
    return ""


def _what_came(text: str) -> str:
    match _root(text):
        case "":
            return "it sent plain text, not a feed"
        case "html":
            return "it sent a web page (HTML), not a feed"
        case "opml":
            return "it sent a list of feeds (OPML), not a feed"
        case root:
            return f"it sent XML that is not a feed (<{root}>)"


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
