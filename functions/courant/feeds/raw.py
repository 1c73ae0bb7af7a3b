"""What a feed's document says, unjudged: the shapes between parsing and cleaning.

Every text may hold markup, controls and lies; every URL may be relative or no URL at all. Plain
data that pickles, so that parsing can happen in another process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
    base: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFeed:
    """A document: its entries in its own order, ``beyond_cap`` more that were left out.

    ``base`` is what relative links of its entries refer to: absolute.
    """

    title: RawText | None = None
    language: str = ""
    base: str
    entries: tuple[RawEntry, ...] = ()
    beyond_cap: int = 0
