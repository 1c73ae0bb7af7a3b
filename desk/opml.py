"""OPML (opml.org/spec2): the list of feeds that one reader exports and another takes. Pure but for
``read_file``.

Lists are as broken as feeds are: what can be read is taken, and the rest is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import entities
from pathlib import Path
from typing import Final
from xml.parsers import expat

from courant.feeds.cleaning.clean import plain_text
from courant.feeds.parsing.decode import decode

BYTES_MAX: Final = 10 * 1024 * 1024
_DEPTH_MAX = 100
_OUTLINES_MAX = 50_000
_BARE_AMPERSAND = re.compile(r"&(?!#\d{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{0,30};)")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{0,30});")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})


class NotOpml(Exception):
    """Nothing can be taken from it; says why."""


@dataclass(frozen=True, slots=True)
class ListedFeed:
    """A feed of the list. ``folders`` lead to it, the outermost first; as written."""

    url: str
    title: str
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeedList:
    """``without_url`` are the names of feeds that come without an address; ``fault`` what broke."""

    title: str
    feeds: tuple[ListedFeed, ...]
    without_url: tuple[str, ...] = ()
    fault: str | None = None


def read_file(path: Path) -> bytes:
    """A file's bytes, one more than allowed at most; OSError as ``open`` raises it."""
    with path.open("rb") as file:
        return file.read(BYTES_MAX + 1)


def parse(body: bytes) -> FeedList:
    """The feeds of a list, in its order.

    Raises:
        NotOpml: no OPML, or too much of it.
    """
    if len(body) > BYTES_MAX:
        raise NotOpml(f"it is longer than {BYTES_MAX // 1024 // 1024} MiB")
    text = decode(body, "").strip()
    if not text:
        raise NotOpml("it is empty")
    reading = _Reading()
    fault = reading.read(text)
    if fault:
        # Addresses and names with a bare "&" are what is broken, as a rule.
        mended = _Reading()
        fault_left = mended.read(_ENTITY.sub(_character, _BARE_AMPERSAND.sub("&amp;", text)))
        if len(mended.feeds) >= len(reading.feeds):
            reading, fault = mended, fault_left
    if not reading.is_opml:
        raise NotOpml(
            f"it is no list of feeds (OPML): {fault}" if fault else "it is no list of feeds (OPML)"
        )
    return FeedList(
        title=plain_text(reading.title),
        feeds=tuple(reading.feeds),
        without_url=tuple(reading.without_url),
        fault=fault,
    )


@dataclass(slots=True)
class _Reading:
    is_opml: bool = False
    title: str = ""
    feeds: list[ListedFeed] = field(default_factory=list)
    without_url: list[str] = field(default_factory=list)
    _path: list[str] = field(default_factory=list)
    _folders: list[str] = field(default_factory=list)
    _outlines: int = 0

    def read(self, text: str) -> str | None:
        """What broke, or None."""
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        # Without declared entities nothing can grow, and nothing outside is asked for.
        parser.EntityDeclHandler = _refuse
        parser.buffer_text = True
        try:
            parser.Parse(text.encode("utf-8", "replace"), True)  # noqa: FBT003 - takes no names
        except expat.ExpatError as error:
            return f"line {error.lineno}: {expat.ErrorString(error.code)}"
        return None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._path and name.lower() == "opml":
            self.is_opml = True
        self._path.append(name.lower())
        if len(self._path) > _DEPTH_MAX:
            raise NotOpml("its folders are nested too deeply")
        if self._path[-1] == "outline":
            self._outline({key.lower(): value for key, value in attributes.items()})

    def _outline(self, attributes: dict[str, str]) -> None:
        self._outlines += 1
        if self._outlines > _OUTLINES_MAX:
            raise NotOpml(f"it has more than {_OUTLINES_MAX:,} lines")
        name = plain_text(attributes.get("title") or attributes.get("text") or "")
        url = attributes.get("xmlurl", "").strip()
        if url:
            folders = tuple(folder for folder in self._folders if folder)
            self.feeds.append(ListedFeed(url, name, folders))
        elif attributes.get("type", "").lower() in {"rss", "atom", "feed"}:
            self.without_url.append(name or "a feed without a name")
        # A feed may hold feeds, for all anybody knows; it is no folder then.
        self._folders.append("" if url else name)

    def _text(self, text: str) -> None:
        if self._path[-2:] == ["head", "title"] and len(self.title) < 500:
            self.title += text

    def _end(self, name: str) -> None:
        del name
        if self._path.pop() == "outline":
            self._folders.pop()


def _refuse(*_declared: object) -> None:
    raise NotOpml("it declares entities of its own, which lists of feeds don't need")


def _character(entity: re.Match[str]) -> str:
    """``&eacute;`` is HTML; XML knows five names."""
    if entity[1] in _XML_ENTITIES:
        return entity[0]
    # "&copy=1" in an address is no character, but without the ";" it isn't here.
    character = entities.html5.get(f"{entity[1]};")
    return character if character and character not in "<&\"'" else f"&amp;{entity[1]};"
