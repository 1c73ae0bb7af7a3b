"""OPML (opml.org/spec2): the list of feeds that one reader exports and another takes. Pure but for
``read_file``.

Lists are as broken as feeds are: what can be read is taken, and the rest is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import entities, unescape
from itertools import zip_longest
from pathlib import Path
from typing import Final
from xml.parsers import expat

from courant.feeds.cleaning.clean import plain_text
from courant.feeds.parsing.decode import decode

BYTES_MAX: Final = 10 * 1024 * 1024
_DEPTH_MAX = 100
_TOO_DEEP = "its folders are nested too deeply"
_OUTLINES_MAX = 50_000
_BARE_AMPERSAND = re.compile(r"&(?!#\d{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{0,30};)")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{0,30});")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_TAG = re.compile(r"<(/?)outline(?![\w.-])", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"(?<![\w:.-])(xmlurl|title|text|type)\s*=\s*(?:\"([^\"<>]{0,4000})\"|'([^'<>]{0,4000})')",
    re.IGNORECASE,
)


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
    """``without_url`` are the names of feeds that come without an address.

    ``fault`` says what broke and where; the last ``after_fault`` of the feeds were found behind it.
    """

    title: str
    feeds: tuple[ListedFeed, ...]
    without_url: tuple[str, ...] = ()
    fault: str | None = None
    after_fault: int = 0


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
    before_fault = len(reading.feeds)
    if fault:
        reading.scan()
    return FeedList(
        title=plain_text(reading.title),
        feeds=tuple(reading.feeds),
        without_url=tuple(reading.without_url),
        fault=fault,
        after_fault=len(reading.feeds) - before_fault,
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
    _body: bytes = b""
    _handled: int = 0
    _parser: expat.XMLParserType = field(default_factory=lambda: expat.ParserCreate("utf-8"))

    def read(self, text: str) -> str | None:
        """What broke, or None."""
        parser, self._body = self._parser, text.encode("utf-8", "replace")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        # Without declared entities nothing can grow, and nothing outside is asked for.
        parser.EntityDeclHandler = _refuse
        parser.buffer_text = True
        try:
            parser.Parse(self._body, True)  # noqa: FBT003 - takes no names
        except expat.ExpatError as error:
            return f"line {error.lineno}: {expat.ErrorString(error.code)}"
        return None

    def scan(self) -> None:
        """Go on behind what broke, from outline to outline, whatever stands between them.

        A feed is put where it stands, as far as the tags around it still tell.
        """
        rest = self._body[self._handled :].decode("utf-8", "replace")
        tags = list(_TAG.finditer(rest))
        for tag, following in zip_longest(tags, tags[1:]):
            if tag[1]:
                del self._folders[-1:]
                continue
            inside = rest[tag.end() : following.start() if following else len(rest)]
            attributes: dict[str, str] = {}
            for one in _ATTRIBUTE.finditer(inside):
                attributes.setdefault(one[1].lower(), unescape(one[2] or one[3] or ""))
            self._outline(attributes)
            start, closed, _ = inside.rpartition(">")
            is_open = bool(closed) and not start.endswith("/")
            if "xmlurl" in attributes:
                # Many forget to close a feed; what follows is no part of it.
                is_open = is_open and following is not None and bool(following[1])
            if not is_open:
                self._folders.pop()
            elif len(self._folders) > _DEPTH_MAX:
                raise NotOpml(_TOO_DEEP)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._path and name.lower() == "opml":
            self.is_opml = True
        # The tag that was understood is not to be read again.
        self._handled = self._parser.CurrentByteIndex + 1
        self._path.append(name.lower())
        if len(self._path) > _DEPTH_MAX:
            raise NotOpml(_TOO_DEEP)
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
        at = self._parser.CurrentByteIndex
        # Of <outline/>, expat says the end stands behind it, where another tag may begin.
        is_behind = self._body[at - 2 : at] == b"/>" and self._handled != at
        self._handled = at if is_behind else at + 1
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
