"""A preview while it runs: its server, and the look-out for changed files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from desk.demo import paper
from desk.feed_server import Document
from desk.preview.draft import Draft
from desk.preview.findings import check
from desk.preview.server import Preview, PreviewServer
from desk.preview.watch import Watch

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
