"""A folder of feed files: which of them are feeds, their sections, and how each is served.

A file is served exactly as it lies (unpacked if it ends in .gz), however broken: whether it can
be read is for gather to say.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from courant.errors import ConfigurationError
from courant.newsletter import Section
from desk.feed_server import Document

CONTENT_TYPES: Final = {
    ".atom": "application/atom+xml",
    ".feed": "application/xml",
    ".json": "application/feed+json",
    ".rdf": "application/rdf+xml",
    ".rss": "application/rss+xml",
    ".xml": "application/xml",
}
LATEST = "Latest"
_MORE = "More"
# What a newsletter may hold (courant.newsletter).
_SECTIONS_MAX, _FEEDS_MAX = 100, 500
# What a digest can hold, and what makes a section neither thin nor endless.
_STORIES, _PER_SECTION_MIN, _PER_SECTION_MAX, _PER_FEED = 40, 5, 12, 2
# Longer than gather takes; an unpacked file is not read to its end for nothing.
_BYTES_MAX = 16 * 1024 * 1024
_JSON_FEED = "jsonfeed.org/version"


@dataclass(frozen=True, slots=True, order=True)
class FeedFile:
    """One file. ``name`` is its path below the folder, with ``/``."""

    name: str
    path: Path

    @property
    def url_path(self) -> str:
        """Where it is served."""
        return "/" + quote(self.name)

    @property
    def kind(self) -> str:
        """Its ending without ``.gz``."""
        return Path(self.name.lower().removesuffix(".gz")).suffix


class FeedFolder:
    """The feed files of a folder, in the order of their names."""

    def __init__(self, folder: Path) -> None:
        """Look through the folder and what is below it.

        Raises:
            ConfigurationError: no folder, or no feed in it.
        """
        if not folder.is_dir():
            raise ConfigurationError(f"{folder}: no such folder; --feeds takes a folder of feeds")
        self.files = tuple(sorted(_find(folder)))
        if not self.files:
            endings = " ".join(CONTENT_TYPES)
            raise ConfigurationError(f"{folder}: no feed file in it ({endings}, or those with .gz)")
        self._by_path = {"/" + file.name: file for file in self.files}

    def document(self, path: str) -> Document | None:
        """A feed as it lies in the folder."""
        file = self._by_path.get(path)
        if file is None:
            return None
        try:
            body = _read(file.path)
            modified = datetime.fromtimestamp(int(file.path.stat().st_mtime), UTC)
        except OSError:
            return None
        return Document(body=body, content_type=CONTENT_TYPES[file.kind], modified=modified)

    def sections(self, address: Callable[[FeedFile], str]) -> tuple[Section, ...]:
        """A section for each first sub-folder; files directly in the folder are the ``Latest``."""
        by_title: dict[str, list[FeedFile]] = {}
        for file in self.files:
            first, slash, _ = file.name.partition("/")
            by_title.setdefault(title(first) if slash else LATEST, []).append(file)
        bounded = tuple(_within_bounds(by_title))
        limit = min(max(_STORIES // len(bounded), _PER_SECTION_MIN), _PER_SECTION_MAX)
        ids: set[str] = set()
        return tuple(
            _section(name, _fresh(_slug(name), ids), [address(file) for file in files], limit)
            for name, files in bounded
        )


def title(folder: str) -> str:
    """A folder's name as a section's title: the name itself, without control characters."""
    named = " ".join(re.sub(r"[\x00-\x1f\x7f]+", " ", folder).split())
    return named[:200] or "Untitled"


def _find(folder: Path) -> Iterator[FeedFile]:
    for where, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in names:
            path = Path(where, name)
            relative = path.relative_to(folder).as_posix()
            file = FeedFile(relative, path)
            if file.kind not in CONTENT_TYPES or name.startswith(".") or not path.is_file():
                continue
            if ".expected." in name.lower() or not _encodes(relative):
                continue
            if file.kind == ".json" and not _is_json_feed(path):
                continue
            yield file


def _encodes(name: str) -> bool:
    # A name that is no UTF-8 has no URL.
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _read(path: Path) -> bytes:
    if path.suffix.lower() != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as packed:
            return packed.read(_BYTES_MAX)
    except (OSError, EOFError, zlib.error):
        return path.read_bytes()


def _is_json_feed(path: Path) -> bool:
    try:
        document = json.loads(_read(path))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and _JSON_FEED in str(document.get("version"))


def _within_bounds(
    by_title: dict[str, list[FeedFile]],
) -> Iterator[tuple[str, list[FeedFile]]]:
    """Sections that a newsletter may have: full ones are continued, those too many put together."""
    named = [
        (f"{name} {start // _FEEDS_MAX + 1}" if start else name, files[start : start + _FEEDS_MAX])
        for name, files in by_title.items()
        for start in range(0, len(files), _FEEDS_MAX)
    ]
    if len(named) <= _SECTIONS_MAX:
        yield from named
        return
    yield from named[: _SECTIONS_MAX - 1]
    rest = [file for _, files in named[_SECTIONS_MAX - 1 :] for file in files]
    if len(rest) > _FEEDS_MAX:
        raise ConfigurationError(
            f"{len(named)} sections are more than a newsletter holds ({_SECTIONS_MAX}); "
            "give a folder with fewer sub-folders"
        )
    yield _MORE, rest


def _section(name: str, id_: str, feeds: list[str], limit: int) -> Section:
    # One feed must not fill a section, unless there are too few to fill it otherwise.
    per_feed = max(_PER_FEED, -(-limit // len(feeds)))
    return Section(id=id_, title=name, feeds=tuple(feeds), limit=limit, per_feed=per_feed)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:28].strip("-") or "section"


def _fresh(id_: str, taken: set[str]) -> str:
    tries: Iterable[str] = (id_, *(f"{id_}-{n}" for n in range(2, _SECTIONS_MAX + 2)))
    fresh = next(name for name in tries if name not in taken)
    taken.add(fresh)
    return fresh
