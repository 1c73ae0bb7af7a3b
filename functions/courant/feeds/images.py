"""Which picture to show with an article: one that is there to be seen, by an http(s) URL.

Decides by URL and stated size only; no picture is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin, urlsplit

import nh3

from courant.articles import Image
from courant.feeds.raw import RawEntry, RawImage

MAX_URL_CHARS = 2048
# A picture narrower or lower than this is an icon, a spacer or a counting pixel.
MIN_SIDE_PX = 48
# Counters, advertisements and share buttons: host, or host and beginning of the path.
TRACKERS = (
    "ad.doubleclick.net",
    "analytics.google.com",
    "b.scorecardresearch.com",
    "counter.yadro.ru",
    "da.feedsportal.com",
    "facebook.com/tr",
    "feedads.g.doubleclick.net",
    "feedburner.com/~r/",
    "feeds.feedburner.com/~ff/",
    "feeds.feedburner.com/~r/",
    "feeds.wordpress.com",
    "google-analytics.com",
    "hits.theguardian.com",
    "mc.yandex.ru",
    "medium.com/_/stat",
    "pi.feedsportal.com",
    "pixel.quantserve.com",
    "pixel.wp.com",
    "res.feedsportal.com",
    "rss.buysellads.com",
    "s.w.org/images/core/emoji",
    "secure-uk.imrworldwide.com",
    "stats.wordpress.com",
    "vg08.met.vgwort.de",
)

_ONLY_IMAGES = nh3.Cleaner(
    tags={"img"},
    attributes={"img": {"src", "width", "height"}},
    url_schemes={"http", "https"},
    clean_content_tags={"script", "style", "template", "noscript", "svg", "math"},
)
# Reads nh3's own output, where a tag is a tag and every value is quoted and escaped.
_IMG = re.compile(r"<img([^>]*)>")
_ATTRIBUTE = re.compile(r' (src|width|height)="([^"]*)"')
_HTML_CHARS = 100_000


def choose_image(entry: RawEntry, article_url: str) -> Image | None:
    """The picture of an entry: what the feed names as such, else the first one in its text."""
    for raw in _candidates(entry):
        if image := _image(raw, _join(article_url, entry.base)):
            return image
    return None


def _candidates(entry: RawEntry) -> Iterator[RawImage]:
    yield from entry.images
    for text in entry.texts:
        if text.is_html and "<img" in text.value.lower():
            html = text.value[:_HTML_CHARS].encode("utf-8", "replace").decode("utf-8")
            for tag in _IMG.finditer(_ONLY_IMAGES.clean(html)):
                found = {name: unescape(value) for name, value in _ATTRIBUTE.findall(tag[1])}
                if found.get("src"):
                    yield RawImage(found["src"], found.get("width", ""), found.get("height", ""))


def _image(raw: RawImage, base: str) -> Image | None:
    url = _join(base, raw.url.strip())
    width, height = _pixels(raw.width), _pixels(raw.height)
    if not url or any(side is not None and side < MIN_SIDE_PX for side in (width, height)):
        return None
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    # Mail programs show no SVG.
    if parts.path.lower().endswith((".svg", ".svgz")):
        return None
    if any(_matches(host, parts.path, tracker) for tracker in TRACKERS):
        return None
    return Image(url, width, height)


def _join(base: str, url: str) -> str:
    """The absolute http(s) URL, in printable ASCII; "" if there is none."""
    try:
        joined = urljoin(base, url)
        parts = urlsplit(joined)
        _ = parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return ""
    if len(joined) > MAX_URL_CHARS or not parts.netloc.isascii():
        return ""
    return _quote(joined)


def _quote(url: str) -> str:
    return "".join(
        character
        if "!" <= character <= "~" and character not in "\"'<>\\^`{|}"
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
        for character in url
    )


def _matches(host: str, path: str, tracker: str) -> bool:
    tracked, slash, beginning = tracker.partition("/")
    return (host == tracked or host.endswith("." + tracked)) and path.startswith(slash + beginning)


def _pixels(written: str) -> int | None:
    match = re.fullmatch(r"\s*([0-9]{1,5})(?:\.[0-9]+)?(?:px)?\s*", written, re.ASCII)
    return int(match[1]) if match else None
