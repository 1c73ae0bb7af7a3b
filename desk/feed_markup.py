"""How a feed's document is written: its characters, its faults, its ids. Pure; for editors.

What the articles are, courant.feeds decides; this only counts, in one pass of expat, which declares
no entity here and so can't be made to blow up.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from xml.parsers import expat

from courant.feeds.parsing.decode import decode

_LABEL = re.compile(r"(?:charset|encoding)\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_ASCII = re.compile(r"[\x00-\x7f\ufeff\ufffd]+")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_SAMPLE_BYTES = 2000
_BOMS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"), (b"\xef\xbb\xbf", "UTF-8"))
_ENTRIES = frozenset({"item", "entry"})
_IDS = frozenset({"guid", "id"})
_DATES = frozenset({"pubDate", "published", "updated", "date", "modified", "issued"})
_TEXT_CHARS = 500
# expat's words → an editor's, who may pass them on to whoever makes the feed.
_FAULTS = {
    "mismatched tag": "a tag is closed that is not the last one opened",
    "not well-formed (invalid token)": "a character, often “&” or “<”, stands where none may",
    "XML or text declaration not at start of entity": "something stands before the “<?xml …?>”",
    "no element found": "it ends too early",
    "unclosed token": "it ends in the middle of a tag",
    "unclosed CDATA section": "it ends in the middle of a CDATA section",
    "duplicate attribute": "a tag has the same attribute twice",
    "junk after document element": "something stands after its end",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """``fault`` says what is broken and where, None if nothing is.

    ``entries`` and what is counted among them go up to the fault. ``same_id`` are the entries that
    have the id of an earlier one; ``latest`` is the latest date written, believable or not.
    """

    encoding: str
    fault: str | None = None
    entries: int = 0
    without_id: int = 0
    same_id: int = 0
    latest: datetime | None = None


def examine(body: bytes, content_type: str) -> Markup:
    """How this document is written."""
    written = decode(body, content_type)
    text = written.strip()
    encoding = _encoding(body, content_type, text)
    if text.startswith(("{", "[")):
        return _json(text, encoding)
    reading = _Reading()
    # Blank lines before a document are overlooked, but an editor's program counts them.
    fault = reading.read(text, written[: len(written) - len(written.lstrip())].count("\n"))
    ids = Counter(one for one in reading.ids if one)
    return Markup(
        encoding=encoding,
        fault=fault,
        entries=len(reading.ids),
        without_id=reading.ids.count(""),
        same_id=ids.total() - len(ids),
        latest=max(reading.dates, default=None),
    )


@dataclass(slots=True)
class _Reading:
    """What expat tells of a document, entry by entry."""

    ids: list[str] = field(default_factory=list)
    dates: list[datetime] = field(default_factory=list)
    _depth: int = 0
    _entry_depth: int | None = None
    _words: list[str] | None = None
    _room: int = 0

    def read(self, text: str, lines_before: int) -> str | None:
        """What is broken, or None."""
        # Whatever the document declares, this is UTF-8 now.
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = _refuse
        parser.buffer_text = True
        # With this, an entity that a document type would declare is no fault, as for feedparser.
        parser.UseForeignDTD()
        try:
            parser.Parse(text.encode("utf-8", "replace"), True)  # noqa: FBT003 - takes no names
        except expat.ExpatError as error:
            words = expat.ErrorString(error.code) or "broken"
            return f"line {error.lineno + lines_before}: {_FAULTS.get(words, words)}"
        except _EntityDeclared:
            return "it declares entities of its own"
        return None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        local = name.rpartition(":")[2]
        if self._entry_depth is None:
            if local in _ENTRIES:
                self._entry_depth = self._depth
                self.ids.append(attributes.get("rdf:about", "").strip())
        elif self._depth == self._entry_depth + 1 and local in _IDS | _DATES:
            self._words, self._room = [], _TEXT_CHARS

    def _text(self, text: str) -> None:
        if self._words is not None and self._room > 0:
            self._words.append(text[: self._room])
            self._room -= len(text)

    def _end(self, name: str) -> None:
        if self._words is not None and self._entry_depth == self._depth - 1:
            written, local = "".join(self._words).strip(), name.rpartition(":")[2]
            if local in _IDS:
                self.ids[-1] = written or self.ids[-1]
            elif date := _date(written):
                self.dates.append(date)
            self._words = None
        if self._depth == self._entry_depth:
            self._entry_depth = None
        self._depth -= 1


class _EntityDeclared(Exception):
    """A document that defines entities: nothing good comes of reading on."""


def _refuse(*_declared: object) -> None:
    raise _EntityDeclared


def _json(text: str, encoding: str) -> Markup:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        return Markup(encoding=encoding, fault=f"line {line}: not JSON" if line else "not JSON")
    items = document.get("items") if isinstance(document, dict) else document
    entries = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    ids = [str(entry.get("id") or "") for entry in entries]
    known = Counter(one for one in ids if one)
    dates = [_date(str(entry.get("date_published") or "")) for entry in entries]
    return Markup(
        encoding=encoding,
        entries=len(entries),
        without_id=ids.count(""),
        same_id=known.total() - len(known),
        latest=max((date for date in dates if date), default=None),
    )


def _date(written: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            date = read(written)
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _encoding(body: bytes, content_type: str, text: str) -> str:
    """The character set that ``text`` was read in, and the one it claims if that differs."""
    head = body[:200].decode("latin-1")
    labels = [match[1] for match in (_LABEL.search(content_type), _LABEL.search(head)) if match]
    marked = next((name for mark, name in _BOMS if body.startswith(mark)), None)
    foreign = _ASCII.sub("", text)
    read_as = marked or next(
        (label for label in ("utf-8", *labels, "windows-1252") if _gives(label, body, foreign)),
        labels[-1] if labels else "unknown",
    )
    claimed = labels[0] if labels else read_as
    if not foreign or _same(claimed, read_as):
        return claimed.upper() if foreign or labels else "ASCII"
    return f"{read_as.upper()} (it says {claimed})"


def _gives(label: str, body: bytes, foreign: str) -> bool:
    beyond_ascii = _BEYOND_ASCII.search(body)
    start = beyond_ascii.start() if beyond_ascii else 0
    # A few bytes tell, and some of the codecs that a stranger may name are slow.
    try:
        found = _ASCII.sub("", body[start : start + _SAMPLE_BYTES].decode(label, "ignore"))
    except (LookupError, ValueError):
        return False
    return bool(found) and foreign.startswith(found)


def _same(one: str, other: str) -> bool:
    return one.lower().replace("_", "-") == other.lower().replace("_", "-")
