"""What makes two entries the same article.

An article is one piece at one canonical URL. A feed's entry is known again by either of two keys,
because feeds regenerate the one and rewrite the other:

* its guid, if that stands for one piece of the document; else its link, if that does;
* its link and title together. A page that stays while guid and title change ("Daily briefing") has
  neither key of the day before: it is news.

Several pieces at one link (a page of notes, ``changes#2026-11-22``) are told apart by title and
fragment.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from courant.feeds.cleaning.canonical import canonical_parts, canonical_url

__all__ = ["Identity", "article_id", "canonical_url", "halves", "identify", "piece_id"]

_NO_WORD = re.compile(r"[\W_]+")
# http or https, with www. or without: to one feed it is the same page.
_FRONT = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)
# 64 bits a key do: it is only ever compared with those of the same feed.
_KEY_CHARS = 16
_HALF = 8


@dataclass(frozen=True, slots=True)
class Identity:
    """Which article an entry is, and the keys by which its feed knows it again.

    The first key is that of link and title (see ``halves``).
    """

    article_id: str
    url: str
    keys: tuple[str, ...]


def article_id(url: str) -> str:
    """The id of the article at a canonical URL: 32 hex digits."""
    return sha256(url.encode()).hexdigest()[:32]


def piece_id(url: str, key: str) -> str:
    """The id of one of several articles at a URL; ``key`` is that of link and title."""
    return article_id(f"{_page(url)} {halves(key)[1]}")


def halves(key: str) -> tuple[str, str]:
    """Of a key of link and title: what stands for the link, and what for the title (fragment too).

    32 bits each: good to recognise one of them by, where a mistake is small.
    """
    return key[:_HALF], key[_HALF:]


def identify(
    entries: Sequence[tuple[str, Collection[str], str]], base: str
) -> tuple[Identity | None, ...]:
    """Who each ``(guid, links, title)`` of one document is; None for one without a usable link.

    The first usable link counts. Entries at one link are one article if they have the same title
    and fragment too, else several. A guid or link that several articles share is no key.
    """
    found = [_find(*entry, base) for entry in entries]
    pieces: defaultdict[str, set[str]] = defaultdict(set)
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for one in filter(None, found):
        pieces[one.url].add(one.key)
        owners[one.guid].add(one.key)
        owners[one.link].add(one.key)

    def settle(one: _Found) -> Identity:
        alone = len(pieces[one.url]) == 1
        names = [name for name in (one.guid, one.link) if name and len(owners[name]) == 1]
        return Identity(
            article_id(one.url) if alone else piece_id(one.url, one.key),
            one.url if alone or not one.fragment else f"{one.url}#{one.fragment}",
            (one.key, *names[:1]),
        )

    return tuple(settle(one) if one else None for one in found)


class _Found(NamedTuple):
    """An entry's link, and what it might be known by: keys, "" where it has no guid."""

    url: str
    fragment: str
    guid: str
    link: str
    key: str


def _find(guid: str, links: Collection[str], title: str, base: str) -> _Found | None:
    parts = next((parts for link in links if (parts := canonical_parts(link, base))), None)
    if parts is None:
        return None
    url, fragment = parts
    words = _NO_WORD.sub(" ", title.casefold()).strip() or title.strip()
    place = _digest("place", _known_as(url), _HALF)
    wording = _digest("wording", f"{words}#{fragment}", _HALF)
    return _Found(
        url,
        fragment,
        _digest("guid", _known_as(guid)) if guid else "",
        _digest("link", f"{_known_as(url)}#{fragment}"),
        place + wording,
    )


def _known_as(url: str) -> str:
    return _FRONT.sub("", url, count=1).removesuffix("/")


def _page(url: str) -> str:
    # A route is part of the page's address; another fragment is a place on the page.
    page, _, fragment = url.partition("#")
    return url if fragment.startswith(("!", "/")) else page


def _digest(kind: str, value: str, chars: int = _KEY_CHARS) -> str:
    return sha256(f"{kind}:{value}".encode("utf-8", "surrogatepass")).hexdigest()[:chars]
