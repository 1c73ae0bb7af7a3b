"""A preview while it runs: its server, and the look-out for changed files.

Files are looked at, not heard of: no notifications, so it works on every disk.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from desk.demo import paper
from desk.feed_server import Document
from desk.preview.draft import Draft
from desk.preview.report import check
from desk.preview.server import Preview, PreviewServer

Stamps = Mapping[Path, tuple[int, int]]

# What editors leave beside the file they are writing.
_NOT_OURS = (".swp", ".swo", ".tmp", "~")
# Twice this is what an editor waits after a save.
_EVERY = 0.3


@contextmanager
def running(draft: Draft, server: PreviewServer) -> Iterator[PreviewServer]:
    """The server shows this draft, which is composed anew when a file it is made of changes."""
    with server:
        # Pictures and articles of the demo's paper have no server but this one.
        moved = {f"{paper.SITE}/": "/"}
        server.preview = Preview(draft, check, _document, moved)
        watcher = threading.Thread(target=_watch, args=(draft, server.ended), daemon=True)
        watcher.start()
        try:
            yield server
        finally:
            server.ended.set()
            watcher.join()


def _watch(draft: Draft, ended: threading.Event) -> None:
    watch = Watch(draft.watched)
    while not ended.wait(_EVERY):
        if watch.changed():
            draft.file_changed()


def _document(path: str) -> Document | None:
    return paper.picture_at(paper.SITE + path)


def stamps(places: Iterable[Path]) -> Stamps:
    """Each file of these places (a file, or a folder with all below it) → (mtime in ns, bytes)."""
    found: dict[Path, tuple[int, int]] = {}
    for place in places:
        for path in place.rglob("*") if place.is_dir() else (place,):
            if path.name.startswith(".") or path.name.endswith(_NOT_OURS):
                continue
            try:
                stat = path.stat()
            except OSError:
                # Editors write a new file and move it over the old one: between the two, none.
                continue
            if path.is_file():
                found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


class Watch:
    """Says once that a change is over: two looks in a row saw the same, and it is new.

    An editor may truncate a file before it writes it; half a file is no mistake of theirs.
    """

    def __init__(self, places: Iterable[Path]) -> None:
        self._places = tuple(places)
        self._known = self._last = stamps(self._places)

    def changed(self) -> bool:
        """Look; whether there is something new that has come to rest."""
        last, self._last = self._last, stamps(self._places)
        if self._last != last or self._last == self._known:
            return False
        self._known = self._last
        return True
