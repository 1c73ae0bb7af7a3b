"""Which feeds a web page names, and where a site's feed usually is. Pure.

The page is a stranger's, so it is not parsed but scanned from ``<`` to ``<``, each part of it
looked at once: whatever it holds, the time grows with its length alone, and it needs no sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qs, urljoin, urlsplit

from courant.feeds.cleaning.clean import plain_text
from courant.feeds.parsing.decode import decode

# Feeds are named in a page's head; the rest of a page this long is not looked at.
_CHARS_MAX = 2_000_000
_FOUND_MAX = 50
_TITLE_CHARS = 80

_KINDS = {
    "application/rss+xml": "RSS",
    "application/atom+xml": "Atom",
    "application/feed+json": "JSON Feed",
    "application/rdf+xml": "RSS",
    "application/json": "JSON Feed",
    "application/xml": "XML",
    "text/xml": "XML",
    "text/rss+xml": "RSS",
    "text/atom+xml": "Atom",
}
USUAL_PATHS = ("/feed", "/rss.xml", "/atom.xml", "/index.xml", "/feed.json")

_OPENING = re.compile(
    r"<(?:(link|a|base|title|script|style|textarea)(?=[\s/>])|(!--))", re.IGNORECASE
)
# What holds words, not elements, up to its own end.
_ENDS = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("title", "script", "style", "textarea")
}
_ATTRIBUTE = re.compile(
    r"[\s/]*([^\s=>\"'/]{1,60})"
    r"(?:\s*=\s*(?:\"([^\"]{0,4000})\"|'([^']{0,4000})'|([^\s>\"']{1,4000})))?"
)
# What an address that leads to a feed has in it. Whole words: "feedback" is none.
_FEED_WORD = re.compile(
    r"(?:^|[/._?=&-])(?:rss2?|atom|rdf|feeds?|xml)(?:$|[/._?=&-])", re.IGNORECASE
)
_NOT_A_FEED = re.compile(
    r"\.(?:html?|php3?|jpe?g|png|gif|svg|css|js|pdf|zip|mp[34])$", re.IGNORECASE
)
# Pages that are about feeds, or take an address to somebody else's reader.
_ELSEWHERE = re.compile(
    r"(?:add|subscribe|share|intent)[/.?]|sitemap|oembed|opensearch|/wp-json|xmlrpc|\.xsl",
    re.IGNORECASE,
)
_COMMENTS = re.compile(r"comment|kommentar|replies", re.IGNORECASE)
_CHANNEL = re.compile(r"\"(?:channelId|externalId)\":\"(UC[\w-]{22})\"")
_YOUTUBE = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com"})


@dataclass(frozen=True, slots=True)
class NamedFeed:
    """An address that a page gives for a feed; ``kind`` and ``title`` as the page says, or ""."""

    url: str
    kind: str = ""
    title: str = ""


def feeds_named(body: bytes, content_type: str, url: str) -> tuple[NamedFeed, ...]:
    """The feeds that the page at ``url`` names, the most likely first, each address once.

    What it declares (``<link rel=alternate>``) comes before links that only look like feeds, and
    feeds of comments come last.
    """
    text = decode(body[:_CHARS_MAX], content_type)
    declared: list[NamedFeed] = []
    linked: list[NamedFeed] = []
    base = url
    has_base = False
    for name, attributes, words in _elements(text):
        href = attributes.get("href", "")
        if name == "base" and href and not has_base:
            base, has_base = _join(url, href) or url, True
        elif name == "link" and (feed := _declared(attributes, base)):
            declared.append(feed)
        elif name == "a" and (feed := _linked(attributes, words, base)):
            linked.append(feed)
    declared.sort(key=_doubt)
    linked.sort(key=_doubt)
    found: dict[str, NamedFeed] = {}
    for one in (*declared, *_channel(text, url), *linked):
        found.setdefault(one.url, one)
    return tuple(found.values())[:_FOUND_MAX]


def usual_places(url: str) -> tuple[str, ...]:
    """Where the feed of the site that has this page is, as a rule. ``USUAL_PATHS``, no more."""
    return tuple(place for path in USUAL_PATHS if (place := _join(url, path)))


def known_place(url: str) -> str | None:
    """The feed of a page whose address alone gives it away: a YouTube channel or playlist."""
    parts = urlsplit(url)
    if (parts.hostname or "") not in _YOUTUBE:
        return None
    if match := re.match(r"/channel/(UC[\w-]{22})(?:/|$)", parts.path):
        return _youtube("channel_id", match[1])
    lists = parse_qs(parts.query).get("list", [])
    if parts.path == "/playlist" and lists and re.fullmatch(r"[\w-]{10,60}", lists[0]):
        return _youtube("playlist_id", lists[0])
    return None


def without_feed_scheme(address: str) -> str:
    """``feed:https://…`` and ``feed://…``, by which browsers once opened readers, as web ones."""
    if address.lower().startswith("feed:"):
        rest = address[5:].lstrip("/")
        return rest if rest.lower().startswith(("http:", "https:")) else f"http://{rest}"
    return address


def _youtube(name: str, value: str) -> str:
    return f"https://www.youtube.com/feeds/videos.xml?{name}={value}"


def _channel(text: str, url: str) -> Iterator[NamedFeed]:
    if (urlsplit(url).hostname or "") in _YOUTUBE and (match := _CHANNEL.search(text)):
        yield NamedFeed(_youtube("channel_id", match[1]), "Atom")


def _doubt(feed: NamedFeed) -> tuple[bool, bool]:
    return bool(_COMMENTS.search(f"{feed.title} {feed.url}")), feed.kind == "XML"


def _declared(attributes: Mapping[str, str], base: str) -> NamedFeed | None:
    words = attributes.get("rel", "").lower().split()
    kind = _KINDS.get(attributes.get("type", "").partition(";")[0].strip().lower())
    if "alternate" not in words and "feed" not in words:
        return None
    if "stylesheet" in words or (kind is None and "feed" not in words):
        return None
    return _named(attributes, attributes.get("title", ""), kind or "", base)


def _linked(attributes: Mapping[str, str], words: str, base: str) -> NamedFeed | None:
    kind = _KINDS.get(attributes.get("type", "").partition(";")[0].strip().lower())
    try:
        address = urlsplit(attributes.get("href", ""))
    except ValueError:
        return None
    looks = f"{address.path}?{address.query}"
    if kind is None and (_NOT_A_FEED.search(address.path) or not _FEED_WORD.search(looks)):
        return None
    return _named(attributes, words or attributes.get("title", ""), kind or "", base)


def _named(attributes: Mapping[str, str], title: str, kind: str, base: str) -> NamedFeed | None:
    url = _join(base, without_feed_scheme(attributes.get("href", "")))
    if not url or _ELSEWHERE.search(url):
        return None
    return NamedFeed(url, kind, plain_text(title)[:_TITLE_CHARS])


def _elements(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Links, anchors and bases: name, attributes, and the words right behind an anchor."""
    position = 0
    while match := _OPENING.search(text, position):
        position = match.end()
        if match[2]:
            end = text.find("-->", position)
            # A comment that never ends holds the rest of the page, for browsers as well.
            if end < 0:
                return
            position = end
            continue
        name = match[1].lower()
        attributes, position = _attributes(text, position)
        if name in _ENDS:
            closing = _ENDS[name].search(text, position)
            if closing is None:
                return
            position = closing.end()
        else:
            yield name, attributes, _words(text, position) if name == "a" else ""


def _words(text: str, position: int) -> str:
    """The text behind a tag, up to the next one."""
    behind = text[position : position + 200].lstrip("> \t\r\n/")
    return unescape(behind.partition("<")[0])


def _attributes(text: str, position: int) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    while len(found) < 40 and (match := _ATTRIBUTE.match(text, position)):
        value = next((group for group in match.groups()[1:] if group is not None), "")
        found.setdefault(match[1].lower(), unescape(value[:4000]).strip())
        position = match.end()
    return found, position


def _join(base: str, href: str) -> str:
    """An absolute web address without fragment, or ""."""
    try:
        url = urljoin(base, re.sub(r"[\t\r\n]", "", href.strip()))
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.netloc or not href.strip():
        return ""
    return parts._replace(fragment="").geturl()
