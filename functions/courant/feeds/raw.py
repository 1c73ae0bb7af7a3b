"""What a feed's document says, unjudged: the shapes between parsing and cleaning.

Every text may hold markup, controls and lies; every URL may be relative or no URL at all. Plain
data that pickles, so that parsing can happen in another process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# No honest entry has more. An id that long is left out: its article is known by its link. Texts
# are cut before anybody cleans them, far behind the end of what is shown.
MAX_ID_BYTES = 1024
MAX_LINKS = 50
MAX_NAMES = 50
MAX_TITLE_CHARS = 20_000
MAX_TEXT_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class RawText:
    """A text as written; ``is_html`` where tags and entities in it are meant as such."""

    value: str
    is_html: bool = True


@dataclass(frozen=True, slots=True)
class RawImage:
    """A picture as named; width and height as written, in pixels if they are numbers."""

    url: str
    width: str = ""
    height: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRhythm:
    """What a document says about how often to come, as written: numbers and names, if at all.

    ``ttl`` is in minutes, ``skip_hours`` are hours of the day in GMT, ``skip_days`` English names
    (RSS 2.0); ``update_period`` and ``update_frequency`` are the RSS 1.0 syndication module's.
    """

    ttl: str = ""
    skip_hours: tuple[str, ...] = ()
    skip_days: tuple[str, ...] = ()
    update_period: str = ""
    update_frequency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEntry:
    """One item of a feed. Tuples are in order of preference.

    ``base`` is what relative URLs in the texts refer to, if the document says.
    """

    id: str = ""
    links: tuple[str, ...] = ()
    title: RawText | None = None
    texts: tuple[RawText, ...] = ()
    authors: tuple[str, ...] = ()
    dates: tuple[datetime, ...] = ()
    images: tuple[RawImage, ...] = ()
    categories: tuple[str, ...] = ()
    base: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFeed:
    """A document: its entries in its own order, ``beyond_cap`` more that were left out.

    ``base`` is what relative links of its entries refer to: absolute. ``home`` is the site's own
    address as the document names it, perhaps relative. ``kind`` is the format in feedparser's
    words: ``rss20``, ``atom10``, …, or ``json1.0``, ``json1.1``; "" where the document doesn't say.
    """

    title: RawText | None = None
    language: str = ""
    base: str
    home: str = ""
    kind: str = ""
    rhythm: RawRhythm = RawRhythm()
    entries: tuple[RawEntry, ...] = ()
    beyond_cap: int = 0
