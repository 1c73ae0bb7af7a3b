"""Every hostile document ends in a named error or in clean articles, in bounded time and memory.

``pytest -s`` prints what became of each, in how many seconds and megabytes.
"""

from __future__ import annotations

import re
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from courant.articles import Article
from courant.errors import FeedUnreadable
from courant.feeds.document import Document
from courant.feeds.pages.page import Page
from courant.feeds.sandbox.sandbox import Limits, Sandbox
from tests.hostile import GOOD, JSON_CASES, XML_CASES, Hostile, rss
from tests.hostile_content import CONTENT_CASES

CASES = (*XML_CASES, *JSON_CASES, *CONTENT_CASES)
URL = "https://example.org/feed.xml"
NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
# What the sandbox allows, and a little for starting, writing and noticing.
SECONDS = Limits().cpu_seconds + 1
MEGABYTES = 450

TAG = re.compile(
    r"<\s*/?\s*(?:script|style|svg|math|img|iframe|object|form|input|a|p|b|div|template|!--)\b",
    re.IGNORECASE,
)
SHOWS_NOTHING = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
JOINERS_IN_A_ROW = re.compile("[\u200c\u200d]{2}")
WEB = re.compile(r"https?://[!-~]+")


class Watch:
    """How much processor time and memory the child has used, as far as anybody saw it."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self._stop = threading.Event()
        self.seconds = self.megabytes = 0.0

    def __enter__(self) -> Watch:
        if process := self._box._children[0]._process:
            # The high-water mark starts again (proc(5)).
            with suppress(OSError):
                Path(f"/proc/{process.pid}/clear_refs").write_text("5")
            self._before = (process.pid, _seconds(process.pid))
        else:
            self._before = (0, 0.0)
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._once()

    def _look(self) -> None:
        while not self._stop.wait(0.01):
            self._once()

    def _once(self) -> None:
        process = self._box._children[0]._process
        if process is None:
            return
        with suppress(OSError, ValueError, IndexError):
            pid, before = self._before
            seconds = _seconds(process.pid) - (before if pid == process.pid else 0)
            self.seconds = max(self.seconds, seconds)
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
            self.megabytes = max(self.megabytes, peak)


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@dataclass(frozen=True)
class Line:
    """What became of one document."""

    name: str
    outcome: str
    seconds: float
    megabytes: float


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture(scope="module")
def table() -> Iterator[list[Line]]:
    lines: list[Line] = []
    yield lines
    rows = [f"\n\n{'document':44} {'outcome':44} {'s':>6} {'MB':>5}"]
    rows += [
        f"{line.name:44} {line.outcome:44} {line.seconds:6.2f} {line.megabytes:5.0f}"
        for line in lines
    ]
    total = sum(line.seconds for line in lines)
    sys.stdout.write(
        "\n".join([*rows, f"{len(lines)} documents, {total:.1f} s of processor time\n"])
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits and tells memory")
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.slow else [])
        for case in CASES
    ],
)
def test_hostile_document(box: Sandbox, table: list[Line], case: Hostile) -> None:
    body = case.make()
    read(box)
    started = time.monotonic()
    with Watch(box) as watch:
        try:
            outcome: Document | str = box.read_feed(
                body, case.content_type, URL, feed_id="f", now=NOW
            )
        except FeedUnreadable as error:
            outcome = error.reason
    wall = time.monotonic() - started
    said = outcome if isinstance(outcome, str) else f"{len(outcome.items)} articles"
    table.append(Line(case.name, said, watch.seconds, watch.megabytes))

    assert_expected(outcome, case)
    assert watch.seconds <= SECONDS
    assert watch.megabytes <= MEGABYTES
    # Not six seconds: other tests may have the processors.
    assert wall <= Limits().wall_seconds + 2
    assert read(box) == ["Good"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *(case.name for case in CASES if case.name.startswith("markup: ")),
        *("a page of 4 MB", "200,000 open elements", "40,000 attributes", "only opening brackets"),
        *("bytes of all kinds", "quad entity", "file entity", "a million comments", "a zip file"),
    ],
)
def test_hostile_page(box: Sandbox, name: str) -> None:
    (case,) = (case for case in CASES if case.name == name)
    page, reason = Page(), ""
    try:
        page = box.read_page(case.make(), "text/html; charset=utf-8", URL, now=NOW)
    except FeedUnreadable as error:
        reason = error.reason

    assert "Error" not in reason
    if not reason:
        for text in (page.title, page.section, page.lede, page.author):
            assert_plain(text or "")
        for url in (page.image.url if page.image else None, page.canonical_url):
            assert url is None or WEB.fullmatch(url)
    assert read(box) == ["Good"]


def read(box: Sandbox) -> list[str]:
    """What an honest feed gets, before and after."""
    document = box.read_feed(rss(GOOD).encode(), "text/xml", URL, feed_id="f", now=NOW)
    return [item.article.title for item in document.items]


def assert_expected(outcome: Document | str, case: Hostile) -> None:
    match outcome, case.expected:
        case str(), str(part):
            assert part in outcome
        case str(), None:
            # Python's own names of what went wrong are no sentence for an editor.
            assert "Error" not in outcome
        case Document(), None:
            pass
        case Document(), int(count):
            assert len(outcome.items) == count
        case Document(), tuple(titles):
            assert tuple(item.article.title for item in outcome.items) == titles
        case _:
            pytest.fail(f"{outcome if isinstance(outcome, str) else outcome.items[:3]}")
    if isinstance(outcome, Document):
        assert_small(outcome)
        for item in outcome.items:
            assert_clean(item.article)
            assert case.literal or not TAG.search(f"{item.article.title} {item.article.summary}")


def assert_small(document: Document) -> None:
    rhythm = document.rhythm
    words = (rhythm.ttl, rhythm.update_period, rhythm.update_frequency, document.kind)
    assert all(len(word) <= 200 for word in (*words, *rhythm.skip_hours, *rhythm.skip_days))
    assert len(rhythm.skip_hours) + len(rhythm.skip_days) <= 200
    assert len(document.title) <= 100
    assert len(document.items) <= 500
    assert len(document.drops) <= 20
    assert all(len(item.keys) <= 10_000 for item in document.items)


def assert_clean(article: Article) -> None:
    for text in (article.title, article.summary, article.source, article.author or ""):
        assert_plain(text)
    assert 0 < len(article.title) <= 300
    assert len(article.summary) <= 320
    assert len(article.author or "") <= 310
    image = [article.image.url] if article.image else []
    for url in (article.url, *image):
        assert WEB.fullmatch(url), url
        assert len(url) <= 2048
        assert not set(url) & set('"<>\\^`{}')
    assert article.published is None or datetime(1995, 1, 1, tzinfo=UTC) <= article.published <= NOW


def assert_plain(text: str) -> None:
    assert not SHOWS_NOTHING.search(text), ascii(text)
    assert not JOINERS_IN_A_ROW.search(text), ascii(text)
    assert not stacks(text), ascii(text)
    assert text == unicodedata.normalize("NFC", text)
    assert "root:" not in text
    assert "PATH=" not in text
    text.encode()


def stacks(text: str) -> bool:
    """Whether more than four marks stand on a character."""
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks > 4:
            return True
    return False


def test_the_set_is_as_big_as_it_says() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
