"""A list of feeds → a newsletter file, ready to be finished by an editor. Pure.

Who sends it and from where can't be known from a list: the file asks for it, and
``courant validate`` names both until they are there.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from string import Template

import yaml
from pydantic import HttpUrl, TypeAdapter, ValidationError

from courant.errors import FeedRefused
from courant.feeds.fetching import guard
from courant.feeds.store import feed_id
from desk.discover import without_feed_scheme
from desk.opml import FeedList, ListedFeed

_LATEST = "Latest"
_MORE = "More"
# What a newsletter holds (courant.newsletter).
_SECTIONS_MAX, _FEEDS_MAX, _TITLE_CHARS = 100, 500, 200
_NAMED_MAX = 20
_HTTP_URL = TypeAdapter(HttpUrl)

_FILE = Template("""\
# Made from a list of feeds. What is left to do:
#   fill in the two places marked CHANGE THIS; 'courant validate' on this file names them
#   look through the sections: their titles, their order, what doesn't belong
#   'courant preview' on this file shows the digest in your browser

id: $id
title: $title
description: $description

# CHANGE THIS address: its domain must be the one your stack sends from.
sender:
  name: $title
  address: CHANGE-THIS

# CHANGE THIS: stands at the foot of each mail, as the law asks of bulk mail in many countries.
postal_address:

# A cron line reads: minute hour day month weekday. `subscriber` means on each reader's own clock.
cadences:
  daily:
    cron: "0 7 * * *"
    timezone: subscriber

sections:
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A newsletter file's text, how much is in it, and what an editor should know of the rest.

    ``is_partial``: something of the list is not in it, or may not be. Doubles don't count.
    """

    text: str
    sections: int
    feeds: int
    remarks: tuple[str, ...]
    is_partial: bool = False


def draft(feeds: FeedList, name: str) -> Draft:
    """The newsletter of a list. ``name``, a file's, gives the id, and the title if it has none."""
    remarks = _Remarks()
    if feeds.fault:
        remarks.lost(f"it is broken ({feeds.fault}); {_after(feeds.after_fault)}")
    for one in feeds.without_url:
        remarks.lost(f"left out “{one}”: it has no address")
    usable = tuple(_usable(feeds.feeds, remarks))
    sections = _sections(usable, remarks)
    id_ = slug(name) or slug(feeds.title) or "newsletter"
    title = (feeds.title or _readable(name))[:_TITLE_CHARS]
    text = _FILE.substitute(
        id=_scalar(id_),
        title=_scalar(title),
        description=_scalar(f"The latest from {_counted(len(usable), 'feed')}."),
    )
    ids = set[str]()
    parts = [text]
    for section, some in sections.items():
        parts.append(
            f"  - id: {_scalar(_unlike(slug(section) or 'section', ids))}\n"
            f"    title: {_scalar(section)}\n    feeds:\n"
        )
        parts += [f"      - {_line(feed)}\n" for feed in some]
        parts.append("\n")
    said = remarks.said[:_NAMED_MAX]
    if more := len(remarks.said) - len(said):
        said.append(f"… and {more} more remarks")
    return Draft(
        text="".join(parts).rstrip() + "\n",
        sections=len(sections),
        feeds=sum(map(len, sections.values())),
        remarks=tuple(said),
        is_partial=remarks.is_partial,
    )


def slug(name: str) -> str:
    """A name as an id: a-z, 0-9 and hyphens, 28 at most; "" if nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:28].strip("-")


@dataclass(slots=True)
class _Remarks:
    """What is said while a list is gone through."""

    said: list[str] = field(default_factory=list)
    is_partial: bool = False

    def note(self, text: str) -> None:
        self.said.append(text)

    def lost(self, text: str) -> None:
        """Something is left out."""
        self.is_partial = True
        self.note(text)


def _after(feeds: int) -> str:
    if not feeds:
        return "no feed was found after that"
    found = "1 feed after that was" if feeds == 1 else f"{feeds} feeds after that were"
    return f"{found} found all the same, but see whether any is missing or in a wrong section"


def _usable(feeds: Iterable[ListedFeed], remarks: _Remarks) -> Iterator[ListedFeed]:
    """Each feed once, under an address that is fetched."""
    first: dict[str, str] = {}
    for feed in feeds:
        url = without_feed_scheme(feed.url)
        try:
            guard.check_url(url)
            _HTTP_URL.validate_python(url)
        except FeedRefused as error:
            remarks.lost(f"left out {_named(feed)}: {error.reason}")
            continue
        except ValidationError:
            remarks.lost(f"left out {_named(feed)}: the address is not a valid URL")
            continue
        where = " / ".join(feed.folders) or _LATEST
        id_ = feed_id(url)
        if before := first.get(id_):
            again = "twice" if before == where else f"in “{before}” and in “{where}”"
            remarks.note(f"{_named(feed)} is there {again}; kept the first")
            continue
        first[id_] = where
        yield ListedFeed(url, feed.title, feed.folders)


def _sections(
    feeds: Iterable[ListedFeed], remarks: _Remarks
) -> Mapping[str, tuple[ListedFeed, ...]]:
    """Title → feeds: a section for each folder, named with those around it; within bounds."""
    by_title: defaultdict[str, list[ListedFeed]] = defaultdict(list)
    for feed in feeds:
        by_title[(" / ".join(feed.folders) or _LATEST)[:_TITLE_CHARS].strip()].append(feed)
    sections: dict[str, tuple[ListedFeed, ...]] = {}
    for title, some in by_title.items():
        for start in range(0, len(some), _FEEDS_MAX):
            part = f" {start // _FEEDS_MAX + 1}" if start else ""
            name = f"{title[: _TITLE_CHARS - 5]}{part}" if part else title
            sections[name] = tuple(some[start : start + _FEEDS_MAX])
    if len(sections) <= _SECTIONS_MAX:
        return sections
    kept = dict(list(sections.items())[: _SECTIONS_MAX - 1])
    rest = [feed for some in list(sections.values())[_SECTIONS_MAX - 1 :] for feed in some]
    remarks.note(
        f"a newsletter has at most {_SECTIONS_MAX} sections; the feeds of "
        f"{len(sections) - len(kept)} folders are together in “{_MORE}”"
    )
    if len(rest) > _FEEDS_MAX:
        remarks.lost(f"left out the last {len(rest) - _FEEDS_MAX} feeds: they are too many")
    return kept | {_MORE: tuple(rest[:_FEEDS_MAX])}


def _named(feed: ListedFeed) -> str:
    return f"{feed.url[:200]}" + (f" ({feed.title})" if feed.title else "")


def _readable(name: str) -> str:
    words = " ".join(re.sub(r"[\x00-\x1f\x7f_-]+", " ", name).split())
    return words[:1].upper() + words[1:] or "Newsletter"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _unlike(id_: str, taken: set[str]) -> str:
    number, found = 1, id_
    while found in taken:
        number += 1
        found = f"{id_}-{number}"
    taken.add(found)
    return found


def _line(feed: ListedFeed) -> str:
    return _scalar(feed.url) + (f"  # {feed.title}" if feed.title else "")


def _scalar(text: str) -> str:
    """As YAML writes one line of text, in quotes where it needs them."""
    written: str = yaml.dump(text, allow_unicode=True, width=10**9)
    return written.removesuffix("\n").removesuffix("...").removesuffix("\n")
