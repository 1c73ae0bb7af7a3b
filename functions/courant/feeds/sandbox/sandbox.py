"""Strangers' bytes are read in child processes, which may be slow, swell or die without harm.

A child has no secrets, little time and little memory, and reads many documents, one after the
other (child.py). One that dies costs its document and nothing else; the next gets a new one
(confined.py). How findings come back safely is answers.py's business.
"""

from __future__ import annotations

import json
import re
import weakref
from datetime import datetime
from queue import Empty, LifoQueue
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from courant import log
from courant.articles import Image
from courant.errors import FeedUnreadable
from courant.feeds.document import Document, Item
from courant.feeds.sandbox import answers
from courant.feeds.sandbox.confined import (
    BROKEN,
    DEFECT,
    FOUND,
    Child,
    Ended,
    Limits,
    ReaderUnavailable,
)

if TYPE_CHECKING:
    from courant.feeds.pages.page import Page

__all__ = ["Limits", "ReaderUnavailable", "Sandbox"]

T = TypeVar("T")

_LIMITS = Limits()
_REASON_CHARS = 300
# Several documents' time. Whoever waits longer shall come again rather than stand in a row.
WAIT_SECONDS = 60.0
# What ends in the keys of tables and in links, whoever wrote it.
_ID, _KEY = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")
_WEB = re.compile(r"https?://[^\x00-\x20\x7f]+", re.IGNORECASE)


class Sandbox:
    """Reads documents in up to ``workers`` child processes, each started when it is needed.

    Threads may share it; one waits while all children are at work. A closed one that is asked
    again starts anew.
    """

    def __init__(self, limits: Limits = _LIMITS, workers: int = 1) -> None:
        self._children = tuple(Child(limits) for _ in range(workers))
        # Last in, first out, so that one child does it all while it can.
        self._free: LifoQueue[Child] = LifoQueue()
        for child in self._children:
            self._free.put(child)
        weakref.finalize(self, _end_all, self._children)

    def read_feed(
        self, body: bytes, content_type: str, url: str, *, feed_id: str, now: datetime
    ) -> Document:
        """``document.read_document``, at a distance.

        Raises:
            FeedUnreadable: not a feed, or one that costs too much to read.
            ReaderUnavailable: there is no child to read it, which is not its fault.
        """
        job = {"kind": "feed", "content_type": content_type, "url": url, "feed_id": feed_id}
        document = self._read(job | {"now": now.isoformat()}, body, Document)
        # Whatever happened in there: nobody writes into another feed, or what is no article.
        if not _are_web(document.home or None, None) or not all(
            _is_sound(item, feed_id) for item in document.items
        ):
            raise FeedUnreadable(url, BROKEN)
        return document

    def read_page(self, body: bytes, content_type: str, url: str, *, now: datetime) -> Page:
        """``page.read_page``, at a distance.

        Raises:
            FeedUnreadable: nothing can be read there, or only at too high a cost.
            ReaderUnavailable: there is no child to read it, which is not its fault.
        """
        from courant.feeds.pages.page import Page

        job = {"kind": "page", "content_type": content_type, "url": url}
        page = self._read(job | {"now": now.isoformat()}, body, Page)
        if not _are_web(page.canonical_url, page.image):
            raise FeedUnreadable(url, BROKEN)
        return page

    def close(self) -> None:
        """End the children, each after the document it is at."""
        children = [self._next() for _ in self._children]
        for child in children:
            child.end()
            self._free.put(child)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _next(self) -> Child:
        try:
            return self._free.get(timeout=WAIT_SECONDS)
        except Empty as error:
            raise ReaderUnavailable("all child processes are at work, and stay so") from error

    def _read(self, job: dict[str, str], body: bytes, shape: type[T]) -> T:
        child = self._next()
        try:
            answer = child.ask(json.dumps(job).encode(), body)
            kind, said = answer[:1], answer[1:]
            if kind == FOUND:
                return answers.load(shape, said)
        except Ended as error:
            log.event("read", status="ended", feed=job.get("feed_id"), reason=error.reason)
            raise FeedUnreadable(job["url"], error.reason) from error
        except answers.AnswerInvalid as error:
            child.end()
            raise FeedUnreadable(job["url"], BROKEN) from error
        finally:
            self._free.put(child)
        reason = " ".join(said.decode("utf-8", "replace").split())[:_REASON_CHARS]
        if kind == DEFECT:
            log.error("read", status="defect", feed=job.get("feed_id"), defect=reason)
            reason = f"it can't be read ({reason.partition(' ')[0]})"
        raise FeedUnreadable(job["url"], reason)


def _is_sound(item: Item, feed_id: str) -> bool:
    article = item.article
    return (
        article.feed_id == feed_id
        and bool(_ID.fullmatch(article.id))
        and all(map(_KEY.fullmatch, item.keys))
        and _are_web(article.url, article.image)
    )


def _are_web(url: str | None, image: Image | None) -> bool:
    return all(one is None or _WEB.fullmatch(one) for one in (url, image.url if image else None))


def _end_all(children: tuple[Child, ...]) -> None:
    for child in children:
        child.end()
