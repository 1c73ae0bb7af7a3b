"""Which picture to show with an article: one that is there to be seen, by an http(s) URL.

Decides by URL and stated size only; no picture is fetched.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from html import unescape
from urllib.parse import urljoin, urlsplit, urlunsplit

import nh3

from courant.articles import Image
from courant.feeds.cleaning import places, rules
from courant.feeds.raw import RawEntry, RawImage, RawText

MAX_URL_CHARS = 2048
# A picture narrower or lower than this is an icon, a spacer or a counting pixel.
MIN_SIDE_PX = 48
# How many times one side may be the other.
MAX_SHAPE = 4
# Counters, advertisements and share buttons: host → the beginnings of their paths.
_TRACKERS: defaultdict[str, list[str]] = defaultdict(list)
for _host, _slash, _path in (rule.partition("/") for rule in rules.lines("trackers.txt")):
    _TRACKERS[_host].append(_slash + _path)

_ATTRIBUTES = ("src", "width", "height", "class", "data-src", "data-lazy-src", "data-original")
_ONLY_IMAGES = nh3.Cleaner(
    tags={"img"},
    attributes={"img": {*_ATTRIBUTES, "srcset", "data-srcset"}},
    url_schemes={"http", "https"},
    clean_content_tags={"script", "style", "template", "noscript", "svg", "math"},
)
# Reads nh3's own output, where a tag is a tag and every value is quoted and escaped.
_IMG = re.compile(r"<img([^>]*)>")
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_HTML_CHARS = 100_000
_QUOTED = re.compile(r"[!#-&(-;=?-\[\]_a-z~]*")
_IMG_START = re.compile("<img[ \t\r\n/]", re.IGNORECASE)
# Blog software's smilies and faces, by the class it gives them or the file it takes them from.
_DECORATION = re.compile(r"\b(?:wp-smiley|emoji|avatar|feed-icon|sociable)\b", re.IGNORECASE)
_DECORATION_FILE = re.compile(
    r"(?:^|[/_.-])(?:spacer|blank|pixel|1x1|transparent|placeholder|avatar|smiley|emoji"
    r"|(?:twitter|facebook|linkedin|whatsapp|share)[-_](?:icon|save|button|logo)[a-z0-9_]*"
    r"|feed-icon[0-9x]*|rss[-_]?icon|default[-_](?:image|thumb(?:nail)?|og))(?=[/_.-])",
    re.IGNORECASE,
)
# "img-400.jpg 400w, img-800.jpg 800w" or "… 2x". URLs may hold commas, descriptors never do.
_SOURCE = re.compile(r"(\S+)\s+([0-9]{1,5}(?:\.[0-9]+)?)[wx](?:,|$)")


def choose_image(entry: RawEntry, article_url: str) -> Image | None:
    """The picture of an entry: what the feed names as such, else the first one in its text."""
    base = _join(article_url, entry.base) if entry.base else article_url
    return choose(_candidates(entry), base)


def choose(candidates: Iterable[RawImage], base: str) -> Image | None:
    """The first that can be shown; relative URLs mean ``base``."""
    for raw in candidates:
        if image := _image(raw, base):
            return image
    return None


def _candidates(entry: RawEntry) -> Iterator[RawImage]:
    yield from entry.images
    for text in entry.texts:
        if text.is_html:
            yield from _in_text(text)


def _in_text(text: RawText) -> Iterator[RawImage]:
    start = _IMG_START.search(text.value, 0, _HTML_CHARS)
    if start is None:
        return
    # A long text's first picture is nearly always its picture: the rest is read if it is not.
    end = text.value.find(">", start.start()) + 1
    seen = 0
    for length in (end, _HTML_CHARS) if 0 < end < _HTML_CHARS else (_HTML_CHARS,):
        html = text.value[:length].encode("utf-8", "replace").decode("utf-8")
        tags = _IMG.findall(_ONLY_IMAGES.clean(html))
        for tag in tags[seen:]:
            yield from _of_tag({name: unescape(value) for name, value in _ATTRIBUTE.findall(tag)})
        seen = len(tags)


def _of_tag(found: dict[str, str]) -> Iterator[RawImage]:
    if _DECORATION.search(found.get("class", "")):
        return
    width, height = found.get("width", ""), found.get("height", "")
    # Pages that load pictures late keep a blank in `src` and the picture elsewhere.
    for name in ("data-src", "data-lazy-src", "data-original", "src"):
        if found.get(name):
            yield RawImage(found[name], width, height)
    for name in ("data-srcset", "srcset"):
        sources = _SOURCE.findall(found.get(name, "")[: 4 * MAX_URL_CHARS])
        if sources:
            # The biggest that is not meant for a poster.
            fitting = [source for source in sources if float(source[1]) <= 1600] or sources
            yield RawImage(max(fitting, key=lambda source: float(source[1]))[0].strip(","))


def _image(raw: RawImage, base: str) -> Image | None:
    url = _join(base, raw.url.strip())
    width, height = _pixels(raw.width), _pixels(raw.height)
    if not url or any(side is not None and side < MIN_SIDE_PX for side in (width, height)):
        return None
    # A banner, or a lie: some mail programs would believe a height of 99999.
    if width and height and max(width, height) > MAX_SHAPE * min(width, height):
        return None
    parts = urlsplit(url)
    # Mail programs show no SVG.
    if parts.path.lower().endswith((".svg", ".svgz")):
        return None
    if _DECORATION_FILE.search(parts.path):
        return None
    if _tracks(parts.hostname or "", parts.path):
        return None
    return Image(url, width, height)


def _join(base: str, url: str) -> str:
    """The absolute http(s) URL, in printable ASCII; "" if there is none."""
    try:
        joined = url if url.startswith(("https://", "http://")) else urljoin(base, url)
        parts = urlsplit(joined)
        _ = parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or len(joined) > MAX_URL_CHARS:
        return ""
    authority = places.public_authority(parts)
    if not authority:
        return ""
    if authority != parts.netloc:
        joined = urlunsplit(parts._replace(netloc=authority))
    return _quote(joined)


def _quote(url: str) -> str:
    if _QUOTED.fullmatch(url):
        return url
    return "".join(
        character
        if "!" <= character <= "~" and character not in "\"'<>\\^`{|}"
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
        for character in url
    )


def _tracks(host: str, path: str) -> bool:
    while host:
        if any(path.startswith(beginning) for beginning in _TRACKERS.get(host, ())):
            return True
        _, _, host = host.partition(".")
    return False


def _pixels(written: str) -> int | None:
    match = re.fullmatch(r"\s*([0-9]{1,5})(?:\.[0-9]+)?(?:px)?\s*", written, re.ASCII)
    return int(match[1]) if match else None
