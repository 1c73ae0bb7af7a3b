"""The child process: what it reads, how it dies, what it can't reach; nobody else suffers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from courant.errors import FeedUnreadable
from courant.feeds.document import Document, read_document
from courant.feeds.pages.page import read_page
from courant.feeds.sandbox import child as sandbox_child
from courant.feeds.sandbox import confined
from courant.feeds.sandbox import sandbox as sandboxes
from courant.feeds.sandbox.sandbox import Limits, ReaderUnavailable, Sandbox

URL = "https://example.org/feed.xml"
NOW = datetime(2026, 11, 22, 7, 30, 1, 5, tzinfo=UTC)
FEED = """<rss version='2.0'><channel><title>Nieuws</title><ttl>60</ttl>
<item><title>Één &amp; twee</title><link>https://example.org/1</link><guid>1</guid>
<pubDate>Sun, 22 Nov 2026 06:00:00 +0100</pubDate><author>a@b.example (Ann)</author>
<enclosure url='https://example.org/1.jpg' type='image/jpeg' length='1'/>
<description>&lt;p&gt;Wat er gebeurde 🎉.&lt;/p&gt;</description></item>
<item><title>no link</title></item></channel></rss>""".encode()
JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "News",
        "items": [{"id": "1", "url": "https://example.org/j", "content_text": "Words."}],
    }
).encode()

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells and limits this")

# A child whose documents are programs: it does what a parser that was taken over could do.
_TAKEN_OVER = """
def read(body, *_, **__):
    scope = {"child": child, "Document": Document}
    exec(body, scope)
    return scope.get("answer") or Document(title=str(scope.get("said")), items=(), dropped=0)
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@dataclass
class Puppet:
    """A sandbox whose child runs what it is sent."""

    box: Sandbox

    def run(self, program: str) -> str:
        """What the program put into ``said``."""
        return self.box.read_feed(program.encode(), "", URL, feed_id="f", now=NOW).title

    def pid(self) -> int:
        return int(self.run("import os; said = os.getpid()"))


def puppets(limits: Limits, workers: int = 1) -> Sandbox:
    box = Sandbox(limits, workers)
    for child in box._children:
        child.code = (
            "import sys; sys.path[:] = sys.argv[1].split('\\n'); "
            "from courant.feeds.sandbox import child; from courant.feeds.document import Document; "
            f"exec({_TAKEN_OVER!r}); child.read_document = read; child.main()"
        )
    return box


@pytest.fixture(scope="module")
def puppet() -> Iterator[Puppet]:
    with puppets(Limits(cpu_seconds=0.4)) as box:
        yield Puppet(box)


@pytest.fixture(scope="module")
def patient() -> Iterator[Puppet]:
    with puppets(Limits()) as box:
        yield Puppet(box)


def read(box: Sandbox, body: bytes = FEED) -> Document:
    return box.read_feed(body, "text/xml; charset=utf-8", URL, feed_id="f", now=NOW)


def gone(pid: int, within: float = 3.0) -> bool:
    """Whether a process has ended, or will have soon."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("body", [FEED, JSON_FEED, b"<feed xmlns='http://www.w3.org/2005/Atom'/>"])
def test_a_feed_reads_as_it_does_without(box: Sandbox, body: bytes) -> None:
    expected = read_document(body, "text/xml; charset=utf-8", URL, feed_id="f", now=NOW)

    assert read(box, body) == expected


def test_instants_come_back_in_utc(box: Sandbox) -> None:
    article = read(box).items[0].article

    assert article.first_seen.tzinfo is UTC
    assert article.published == datetime(2026, 11, 22, 5, tzinfo=UTC)
    assert article.published.tzinfo is UTC


def test_a_page_reads_as_it_does_without(box: Sandbox) -> None:
    body = (
        "<html lang='en'><head><title>Rain | Site</title>"
        "<meta property='og:title' content='Rain'></head><body><article><h1>Rain</h1>"
        f"<p>{'It rained all day, and nobody minded it. ' * 8}</p></article></body></html>"
    ).encode()
    expected = read_page(body, "text/html; charset=utf-8", URL, now=NOW)

    page = box.read_page(body, "text/html; charset=utf-8", URL, now=NOW)

    assert page == expected
    assert page.title == "Rain"
    # Its libraries are in there now; feeds are read as before.
    assert read(box).items


def test_what_is_no_feed_is_told_in_the_same_words(box: Sandbox) -> None:
    with pytest.raises(
        FeedUnreadable, match=r"^it sent a web page \(HTML\), not a feed$"
    ) as raised:
        read(box, b"<!doctype html><html>")

    assert raised.value.url == URL


def test_a_document_of_megabytes_goes_both_ways(box: Sandbox) -> None:
    item = "<item><title>{0}</title><link>/{0}</link><description>{1}</description></item>"
    body = "".join(item.format(n, "word " * 2_000) for n in range(300)).join(
        ("<rss version='2.0'><channel>", "</channel></rss>")
    )

    assert len(read(box, body.encode()).items) == 300


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("while True: pass", confined.TOO_SLOW),
        ("x = 'a' * (1 << 30)", confined.TOO_BIG),
        ("x = []\nwhile True: x.append(bytes(10_000_000))", confined.TOO_BIG),
        ("import os; os.kill(os.getpid(), 9)", confined.TOO_BIG),
        ("import os; os.abort()", confined.BROKEN),
        ("import os; os.kill(os.getpid(), 11)", confined.BROKEN),
        ("import os; os._exit(0)", confined.BROKEN),
        ("raise SystemExit", confined.BROKEN),
        ("class Panic(BaseException): pass\nraise Panic", confined.BROKEN),
        ("def f(): f()\nf()", "it can't be read (RecursionError)"),
        ("{}['a']", "it can't be read (KeyError)"),
        ("answer = Document(title=5, items=(), dropped=0)", confined.BROKEN),
        ("answer = [1]", confined.BROKEN),
        (r"child._send = lambda link, _: link.write(b'\xff\xff\xff\xff')", confined.TOO_BIG),
        (r"child._send = lambda link, _: link.write(b'\0\0\0\4F[[]')", confined.BROKEN),
        (r"child._send = lambda link, _: link.write(b'\0\0\0\0')", confined.BROKEN),
        (r"child._send = lambda link, _: link.write(b'\0\0\0\4X{}}')", confined.BROKEN),
    ],
)
def test_a_child_may_die_or_lie_and_the_next_feed_is_read(
    puppet: Puppet, program: str, reason: str
) -> None:
    if reason == confined.TOO_BIG and "kill" not in program and sys.platform != "linux":
        pytest.skip("only Linux limits memory")

    with pytest.raises(FeedUnreadable) as raised:
        puppet.run(program)

    assert raised.value.reason == reason
    assert puppet.run("said = 'well'") == "well"


def test_that_memory_ran_out_in_libxml2_is_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    """At some sizes it is an XPath or the parser that meets it, not Python."""

    class LibxmlError(Exception):
        error_log = (SimpleNamespace(type=etree.ErrorTypes.ERR_NO_MEMORY),)

    job = {
        "kind": "feed",
        "content_type": "text/xml",
        "url": "https://example.org/feed",
        "now": NOW.isoformat(),
        "feed_id": "f",
    }
    read = mock.Mock(side_effect=LibxmlError("unknown error"))
    monkeypatch.setattr(sandbox_child, "read_document", read)
    with pytest.raises(MemoryError):
        sandbox_child._answer(job, b"")

    read.side_effect = FeedUnreadable("https://example.org/feed", "it is no feed")
    read.side_effect.__cause__ = LibxmlError("unknown error")
    with pytest.raises(MemoryError):
        sandbox_child._answer(job, b"")


@pytest.mark.parametrize(
    "program",
    ["import time; time.sleep(60)", r"child._send = lambda link, _: link.write(b'\0')"],
)
def test_a_child_that_waits_is_not_waited_for(program: str) -> None:
    with puppets(Limits(wall_seconds=0.5)) as box, pytest.raises(FeedUnreadable) as raised:
        Puppet(box).run(program)

    assert raised.value.reason == confined.TOO_SLOW


def test_processor_time_ends_before_the_wall_clock() -> None:
    started = time.monotonic()

    with (
        puppets(Limits(cpu_seconds=0.2, wall_seconds=60)) as box,
        pytest.raises(FeedUnreadable, match="longer"),
    ):
        Puppet(box).run("while True: pass")

    assert time.monotonic() - started < 40


def test_processor_time_is_counted_for_each_document_anew(puppet: Puppet) -> None:
    busy = "import time\nend = time.process_time() + 0.25\nwhile time.process_time() < end: pass"

    assert len({puppet.run(f"{busy}\nimport os; said = os.getpid()") for _ in range(3)}) == 1


def test_no_article_gets_into_another_feed(puppet: Puppet) -> None:
    program = (
        "from courant.feeds.document import read_document\n"
        f"answer = read_document({FEED!r}, '', {URL!r}, feed_id='other',"
        " now=__import__('datetime').datetime.now(__import__('datetime').timezone.utc))"
    )

    with pytest.raises(FeedUnreadable, match="safely"):
        puppet.run(program)


def test_no_secret_is_handed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("LANG", "C.UTF-8")

    with puppets(Limits()) as box:
        names = json.loads(Puppet(box).run("import json, os; said = json.dumps(list(os.environ))"))

    assert "LANG" in names
    assert set(names) <= {*confined._ENVIRONMENT, "LC_CTYPE"}


def test_a_child_that_met_a_defect_is_replaced(puppet: Puppet) -> None:
    before = puppet.pid()

    with pytest.raises(FeedUnreadable, match="OSError"):
        puppet.run("import os\nwhile True: os.open('/', 0)")

    assert puppet.pid() != before


@linux
def test_no_open_file_is_inherited(puppet: Puppet) -> None:
    with Path(__file__).open("rb") as file:
        os.set_inheritable(file.fileno(), True)
        ours = puppet.run(
            "import os; said = sorted(os.path.basename(os.readlink(f'/proc/self/fd/{n}'))"
            " for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}'))"
        )

    assert Path(__file__).name not in ours


@pytest.mark.parametrize(
    ("program", "refused"),
    [
        ("import socket; socket.socket()", "PermissionError"),
        ("import subprocess; subprocess.run(['true'])", "PermissionError"),
        ("import os; os.system('true')", "PermissionError"),
        ("import os; os.fork()", "PermissionError"),
        ("import os; os.execv('/bin/true', ['true'])", "PermissionError"),
        ("import ctypes; ctypes.CDLL(None)", "PermissionError"),
        ("import os\nwhile True: os.open('/', 0)", "OSError"),
        ("import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (64, 64))", "ValueError"),
    ],
)
def test_what_a_reader_has_no_need_of_is_refused(
    puppet: Puppet, program: str, refused: str
) -> None:
    if refused == "ValueError" and os.geteuid() == 0:
        pytest.skip("root may raise its limits")
    with pytest.raises(FeedUnreadable) as raised:
        puppet.run(program)

    assert raised.value.reason == f"it can't be read ({refused})"


def test_no_file_is_written(puppet: Puppet, tmp_path: Path) -> None:
    with pytest.raises(FeedUnreadable, match=r"\(OSError\)"):
        puppet.run(f"with open({str(tmp_path / 'a')!r}, 'w') as file: file.write('a')")


def test_what_libraries_print_does_no_harm(
    puppet: Puppet, capfd: pytest.CaptureFixture[str]
) -> None:
    program = (
        "import os, sys\nprint('x' * 99_999)\nos.write(2, b'err')\nsys.stderr.flush()\nsaid = 1"
    )

    assert puppet.run(program) == "1"
    assert capfd.readouterr() == ("", "")


def test_a_child_that_died_idle_costs_no_feed(puppet: Puppet) -> None:
    first = puppet.pid()
    os.kill(first, signal.SIGKILL)

    second = puppet.pid()

    assert first != second
    assert gone(first)


def test_a_child_is_used_again_and_replaced_after_so_many() -> None:
    with Sandbox(Limits(documents=3)) as box:
        pids = []
        for _ in range(6):
            read(box)
            process = box._children[0]._process
            pids.append(process.pid if process else 0)

    assert pids[0] == pids[1]
    assert pids[2] == 0
    assert pids[3] == pids[4] != pids[0]


@linux
def test_a_child_that_keeps_memory_is_replaced() -> None:
    with puppets(Limits(kept_bytes=50 << 20)) as box:
        puppet = Puppet(box)
        first = puppet.pid()
        keep = "import builtins; builtins.kept = b'a' * ({} << 20)"

        puppet.run(keep.format(20))
        assert puppet.pid() == first
        puppet.run(keep.format(80))
        assert puppet.pid() != first


def test_threads_share_children() -> None:
    pids: set[int] = set()
    with Sandbox(workers=2) as box, ThreadPoolExecutor(6) as threads:

        def one(number: int) -> tuple[int, str]:
            body = FEED.replace(b"Nieuws", b"News %d" % number)
            title = read(box, body).title
            pids.update(child._process.pid for child in box._children if child._process)
            return number, title

        titles = list(threads.map(one, range(60)))

    assert titles == [(number, f"News {number}") for number in range(60)]
    assert 1 <= len(pids) <= 2
    assert all(gone(pid) for pid in pids)


def test_one_thread_needs_one_child() -> None:
    with Sandbox(workers=4) as box:
        for _ in range(5):
            read(box)

        assert sum(child._process is not None for child in box._children) == 1


def test_a_death_beside_disturbs_no_other() -> None:
    box = puppets(Limits(cpu_seconds=0.4), workers=2)
    with box, ThreadPoolExecutor(2) as threads:
        other = Puppet(box)

        def one(program: str) -> str:
            try:
                return other.run(program)
            except FeedUnreadable as error:
                return error.reason

        programs = ["said = 1", "import os; os.abort()", "said = 2", "while True: pass"]
        said = list(threads.map(one, programs))

    assert said == ["1", confined.BROKEN, "2", confined.TOO_SLOW]


def test_a_closed_sandbox_starts_anew() -> None:
    box = Sandbox()
    first = read(box)
    process = box._children[0]._process
    assert process is not None
    box.close()
    box.close()

    assert gone(process.pid)
    assert read(box) == first
    box.close()


def test_a_forgotten_sandbox_ends_its_child() -> None:
    box = Sandbox()
    read(box)
    process = box._children[0]._process
    assert process is not None

    del box

    assert gone(process.pid)


def test_a_child_does_not_outlive_its_parent() -> None:
    program = (
        "import os, sys; from datetime import UTC, datetime\n"
        "from courant.feeds.sandbox.sandbox import Sandbox\n"
        "box = Sandbox()\n"
        f"box.read_feed({FEED!r}, '', {URL!r}, feed_id='f', now=datetime.now(UTC))\n"
        "print(box._children[0]._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    parent = subprocess.run(  # noqa: S603 - our own interpreter and our own script
        [sys.executable, "-c", program],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert parent.returncode == -signal.SIGKILL
    assert gone(int(parent.stdout))


def test_a_child_that_does_not_start_is_no_feeds_fault(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with Sandbox() as box:
        (child,) = box._children
        for code in (
            "raise ImportError('no module of ours')",
            "import os, sys; os.write(int(sys.argv[2]), b'R')",
        ):
            child.code = code
            with pytest.raises(ReaderUnavailable):
                read(box)
        child.code = confined._CHILD

        # Once more than it should be needed, and no more.
        assert capfd.readouterr().err.count("ImportError: no module of ours") == 2
        assert read(box).items


def test_a_machine_that_gives_no_process_for_a_moment_costs_no_feed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusals = 3
    popen = subprocess.Popen

    def start(*args: Any, **kwargs: Any) -> subprocess.Popen[bytes]:
        nonlocal refusals
        refusals -= 1
        if refusals >= 0:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return popen(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", start)
    with Sandbox() as box:
        assert read(box).items


@linux
def test_a_machine_that_gives_no_process_at_all_is_no_feeds_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(confined, "_PAUSES_S", (0.0, 0.0, 0.0))
    with Sandbox() as box:
        before = len(list(Path("/proc/self/fd").iterdir()))
        with monkeypatch.context() as none_left:
            none_left.setattr(subprocess, "Popen", refuse)
            with pytest.raises(ReaderUnavailable):
                read(box)
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        assert read(box).items


def test_children_that_are_killed_before_they_have_it_cost_no_feed() -> None:
    with Sandbox() as box:
        (child,) = box._children
        child.code = "import os; os.kill(os.getpid(), 9)"
        threading.Timer(0.5, lambda: setattr(child, "code", confined._CHILD)).start()

        assert read(box).items


def test_who_waits_too_long_for_a_child_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "WAIT_SECONDS", 0.05)
    with puppets(Limits(cpu_seconds=30)) as box, ThreadPoolExecutor(1) as threads:
        slow = threads.submit(Puppet(box).run, "import time; time.sleep(1); said = 'done'")
        while not box._free.empty():
            time.sleep(0.001)
        with pytest.raises(ReaderUnavailable):
            read(box)

        assert slow.result() == "done"


_LIE = (
    "from dataclasses import replace\n"
    "from courant.feeds.document import Item, read_document\n"
    f"true = read_document({FEED!r}, '', {URL!r}, feed_id='f',"
    " now=__import__('datetime').datetime.now(__import__('datetime').timezone.utc))\n"
    "(item,) = true.items\n"
    "article, keys = item.article, item.keys\n"
)


@pytest.mark.parametrize(
    "lie",
    [
        "keys = (*keys, 'k' * 16)",
        "keys = (keys[0] + '\\n',)",
        "keys = ('',)",
        "article = replace(article, id='a')",
        "article = replace(article, id='A' * 32)",
        "article = replace(article, id='../' + 'a' * 29)",
        "article = replace(article, url='javascript:alert(1)')",
        "article = replace(article, url='')",
        "article = replace(article, url='https://example.org/ b')",
        "article = replace(article, image=replace(article.image, url='file:///a'))",
        "true = replace(true, home='data:,')",
    ],
)
def test_what_no_reader_would_find_is_not_taken(patient: Puppet, lie: str) -> None:
    told = "answer = replace(true, items=(Item(article, keys),))"
    assert patient.run(f"{_LIE}{told}") == "Nieuws"

    with pytest.raises(FeedUnreadable) as raised:
        patient.run(f"{_LIE}{lie}\n{told}")

    assert raised.value.reason == confined.BROKEN


def test_ctrl_c_is_for_the_parent(puppet: Puppet) -> None:
    assert puppet.run("import os; os.kill(os.getpid(), 2); said = 'still here'") == "still here"


@given(st.binary(max_size=200))
def test_any_document_gets_an_answer_of_three_kinds(body: bytes) -> None:
    job = {"kind": "feed", "content_type": "", "url": URL, "feed_id": "f", "now": NOW.isoformat()}

    answer = sandbox_child._answer(job, body)

    assert answer[:1] in {confined.FOUND, confined.UNREADABLE}


def test_no_memory_while_parsing_is_no_broken_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    def starve(*_: object, **__: object) -> None:
        raise FeedUnreadable(URL, "it can't be parsed (MemoryError)") from MemoryError()

    monkeypatch.setattr(sandbox_child, "read_document", starve)
    job = {"kind": "feed", "content_type": "", "url": URL, "feed_id": "f", "now": NOW.isoformat()}

    with pytest.raises(MemoryError):
        sandbox_child._answer(job, b"")


def test_waiting_for_a_child_ends() -> None:
    # A thread that closes while others read must not stop either for good.
    box = Sandbox()
    threads = [threading.Thread(target=read, args=(box,), daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    box.close()
    for thread in threads:
        thread.join(30)

    assert not any(thread.is_alive() for thread in threads)
    box.close()
