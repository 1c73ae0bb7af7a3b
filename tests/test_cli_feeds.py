"""courant feeds: check against a loopback server and files, and import."""

import json
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from courant.feeds.raw import RawRhythm
from courant.feeds.sandbox.sandbox import Sandbox
from desk.cli import app
from desk.feed_facts import rhythm
from desk.feed_look import is_file
from desk.feed_server import LoopbackServer
from desk.feed_timing import timing

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
NEWSLETTERS = Path(__file__).resolve().parents[1] / "newsletters"


def item(number: int, days_ago: float = 1, more: str = "", guid: str | None = None) -> str:
    date = (NOW - timedelta(days=days_ago)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return (
        f"<item><title>Story {number}</title><link>https://paper.example/{number}</link>"
        f"<guid>{number if guid is None else guid}</guid><pubDate>{date}</pubDate>"
        f"<description>What happened at the harbour, in so many words that nobody has to "
        f"read the page of story {number} to know what it is about.</description>{more}</item>"
    )


def rss(*items: str, title: str = "Harbour Courier") -> str:
    return (
        f'<rss version="2.0"><channel><title>{title}</title><link>https://paper.example/</link>'
        f"{''.join(items)}</channel></rss>"
    )


FEED = rss(*(item(n, days_ago=n) for n in range(1, 9)))
HTML, XML = "text/html; charset=utf-8", "application/rss+xml"


def page(*links: str) -> tuple[str, str]:
    return HTML, f"<!doctype html><html><head>{''.join(links)}</head><body>Hello</body></html>"


def alternate(href: str, title: str = "") -> str:
    return f'<link rel="alternate" type="application/rss+xml" href="{href}" title="{title}">'


PAGES: dict[str, tuple[str, str]] = {
    "/feed": (XML, FEED),
    "/empty.xml": (XML, rss()),
    "/site/": page(
        alternate("/broken.xml"), alternate("news.xml", "News"), alternate("/empty.xml")
    ),
    "/site/news.xml": (XML, rss(item(1), title="News of the site")),
    "/broken.xml": (XML, "<rss><channel><item></rss>"),
    "/bare/": page(),
    "/garbage": ("application/octet-stream", "\x00\x01\x02 nothing"),
}


class _Paper(BaseHTTPRequestHandler):
    """A small site that also moves."""

    def do_GET(self) -> None:
        if self.path in {"/moved", "/for-now"}:
            self.send_response(301 if self.path == "/moved" else 302)
            self.send_header("Location", "/feed")
            self.end_headers()
        elif self.path in PAGES:
            kind, text = PAGES[self.path]
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Requests are not news."""


@pytest.fixture(scope="module")
def site() -> Iterator[LoopbackServer]:
    with LoopbackServer(_Paper) as server:
        yield server


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setattr("courant.clock.now", lambda: NOW)
    # A child process a test would be most of its time.
    monkeypatch.setattr(
        "desk.commands.feeds.Sandbox", lambda workers: nullcontext(sandbox) if workers else None
    )


def courant(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def check(site: LoopbackServer | None, *addresses: object) -> Result:
    """Paths are the site's; anything else is as it is."""
    words = [
        f"{site.url}{one}" if site and isinstance(one, str) and one.startswith("/") else str(one)
        for one in addresses
    ]
    port = ["--open-port", str(site.port)] if site else []
    return courant("feeds", "check", *words, *port)


def facts(site: LoopbackServer, *addresses: str | Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(check(site, *addresses, "--json").stdout)
    return found


def written(tmp_path: Path, text: str | bytes, name: str = "feed.xml") -> Path:
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


# ── check ────────────────────────────────────────────────────────────────────────────────────────


def test_a_good_feed_is_told_in_a_few_lines(site: LoopbackServer) -> None:
    result = check(site, "/feed", "--articles", "2")

    assert result.exit_code == 0
    assert f"{site.url}/feed\n" in result.stdout
    assert "“Harbour Courier”" in result.stdout
    assert "8 entries, 8 usable articles" in result.stdout
    assert "from 2026-11-14 to 2026-11-21, about 7 articles a week" in result.stdout
    assert "would be asked every 12 hours" in result.stdout
    assert "Story 1\n" in result.stdout
    assert "Story 3" not in result.stdout
    assert "… and 6 more" in result.stdout
    assert "https://paper.example/1" in result.stdout
    assert "id (guid)" not in result.stdout


def test_json_has_every_fact(site: LoopbackServer) -> None:
    [found] = facts(site, "/feed")

    assert found["usable"] is True
    assert found["status"] == 200
    assert found["bytes"] == len(FEED.encode())
    assert (found["entries"], found["usable_articles"], found["dropped"]) == (8, 8, 0)
    assert found["newest"] == "2026-11-21T06:00:00+00:00"
    assert found["articles_a_week"] == 7.0
    assert found["without"] == {"image": 8, "author": 8}
    assert [one["title"] for one in found["articles"]][:2] == ["Story 1", "Story 2"]


def test_results_come_in_the_order_of_the_addresses_and_one_failure_is_told_by_the_exit_code(
    site: LoopbackServer,
) -> None:
    addresses = ("/feed", "/nowhere", "/empty.xml", "/garbage", "/feed")

    found = facts(site, *addresses)

    assert [one["asked"] for one in found] == [f"{site.url}{one}" for one in addresses]
    assert [one["usable"] for one in found] == [True, False, True, False, True]
    assert found[1]["status"] == 404
    assert "404" in found[1]["error"]
    result = check(site, *addresses)
    assert result.exit_code == 1
    assert "Can't be used: it answered 404 Not Found." in result.stdout
    assert "there is no entry in it now" in result.stdout


def test_a_feed_that_moved_for_good_says_what_to_write(site: LoopbackServer) -> None:
    moved, for_now = facts(site, "/moved", "/for-now")

    assert (moved["url"], moved["moved_to"]) == (f"{site.url}/feed", f"{site.url}/feed")
    assert f"It moved permanently to {site.url}/feed: write that address." in moved["warnings"]
    assert (for_now["url"], for_now["moved_to"]) == (f"{site.url}/feed", None)
    assert f"asked for as {site.url}/for-now" in check(site, "/for-now").stdout


def test_plain_http_is_said(site: LoopbackServer) -> None:
    assert any("over http" in one for one in facts(site, "/feed")[0]["warnings"])


def test_a_sites_feed_is_found_and_the_others_are_named(site: LoopbackServer) -> None:
    result = check(site, "/site/")

    assert result.exit_code == 0
    assert f"found on the page {site.url}/site/" in result.stdout
    assert "“News of the site”" in result.stdout
    assert f"{site.url}/empty.xml" in result.stdout


def test_a_site_that_names_no_feed_is_tried_in_the_usual_places(
    site: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert facts(site, "/bare/")[0]["url"] == f"{site.url}/feed"

    monkeypatch.delitem(PAGES, "/feed")
    [found] = facts(site, "/bare/")
    assert found["usable"] is False
    assert found["error"].startswith("it is a web page that names no feed")


def test_a_site_whose_feeds_are_all_broken_says_so(
    site: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAGES, "/sad/", page(alternate("/broken.xml"), alternate("/gone.xml")))
    monkeypatch.delitem(PAGES, "/feed")

    result = check(site, "/sad/")

    assert result.exit_code == 1
    assert "names 2 feeds, but nothing there can be read" in result.stdout
    assert f"{site.url}/gone.xml" in result.stdout


def test_a_feed_that_a_page_names_goes_before_the_usual_places(
    site: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAGES, "/calm/", page(alternate("/broken.xml"), alternate("/empty.xml")))

    assert facts(site, "/calm/")[0]["url"] == f"{site.url}/empty.xml"


def test_this_machines_own_ports_are_refused_unless_opened(site: LoopbackServer) -> None:
    result = check(None, f"{site.url}/feed")

    assert result.exit_code == 1
    assert "is not one that feeds are served on" in result.stdout


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org/feed",
        "https://user:pw@example.org/",
        "javascript:alert(1)",
        "http://[",
        "",
    ],
)
def test_what_is_no_address_is_a_sentence(address: str) -> None:
    result = check(None, address)

    assert result.exit_code == 1
    assert "Can't be used: " in result.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rss(item(1, 500), item(2, 501)), "newest article is of 10 July 2025: it may have been"),
        (
            rss(*(item(n, 60 + n) for n in range(5))),
            "silent since 23 September 2026, though it brought about 7 articles a week before",
        ),
        (rss(item(1), item(2, -30)), "dates in the future (up to 22 December 2026)"),
        (rss(item(1).replace("pubDate", "x")), "Its only article has no date that can be read"),
        (rss(item(1), item(2, guid="")), "1 of 2 articles has no id (guid)"),
        (rss(item(1), item(2, guid="1")), "1 entry has the id (guid) of another one"),
        (rss(item(1), item(1, guid="2")), "1 entry has the address of another one"),
        (rss(item(1), title=""), "It has no title"),
        (rss(*(item(n) for n in range(510))), "It holds 510 entries; only the first 500"),
        (rss(item(1)).replace("</channel></rss>", ""), "It is broken (line 1: it ends too early)"),
        (
            rss("<item><title>A</title><link>https://t.co/abc</link></item>"),
            "Links lead through t.co",
        ),
        (
            rss("<item><title>A</title><link>https://a.example/</link></item>"),
            "Its only article has no summary to speak of, so its page will be read",
        ),
        (rss("<item><title>A</title></item>"), "none of its entries can be used"),
        (rss("<item><title>A</title></item>"), "dropped: Entry 1 “A” has no link."),
        ("<html><body>Hello", "it is a web page (HTML), not a feed"),
        ("", "it is empty"),
        ("\x00\xff\xfe" * 50, "Can't be used: "),
        ("<opml><body/></opml>", "it is a list of feeds (OPML), not a feed"),
        ("<!DOCTYPE r [<!ENTITY a 'x'>]><r>&a;</r>", "Can't be used: "),
    ],
)
def test_a_file_is_read_as_if_it_were_served(tmp_path: Path, text: str, said: str) -> None:
    result = check(None, written(tmp_path, text))

    assert said in result.stdout
    assert result.exit_code == (1 if "Can't be used" in result.stdout else 0)


def test_a_good_file_has_no_warning(tmp_path: Path) -> None:
    assert "!" not in check(None, written(tmp_path, FEED)).stdout


def test_strangers_words_do_not_steer_the_terminal(tmp_path: Path) -> None:
    evil = "A\x1b]0;x\x07\u202e [red]b[/red] :smile:"
    file = written(tmp_path, rss(item(1).replace("Story 1", evil), title=evil))

    out = check(None, file).stdout

    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[red]b[/red] :smile:" in out


def test_a_file_that_is_not_there_and_a_folder(tmp_path: Path) -> None:
    result = check(None, tmp_path / "none.xml", tmp_path)

    assert result.exit_code == 1
    assert "the file can't be read: No such file or directory" in result.stdout
    assert f"it is a folder; give its files: {tmp_path}/*" in result.stdout


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("banana", "it is no address, and no file here; a site is written banana.com."),
        ("@handle", "it is no address, and no file here; a site is written example.com."),
        ("", "it is an empty address."),
        (" ", "it is an empty address."),
    ],
)
def test_a_word_that_is_neither_address_nor_file(word: str, said: str) -> None:
    assert f"Can't be used: {said}" in check(None, word).stdout


def test_hosts_that_nobody_knows(monkeypatch: pytest.MonkeyPatch, site: LoopbackServer) -> None:
    def nobody(host: str, *_: object, **__: object) -> list[Any]:
        raise OSError(host)

    monkeypatch.setattr("socket.getaddrinfo", nobody)
    hint = "None of these hosts was found: is this machine online?"

    one = check(None, "nofile.xml")
    two = check(None, "https://a.example/x.xml", "b.example")
    some = check(site, "/feed", "b.example")

    assert "its host was not found (and there is no file nofile.xml here)." in one.stdout
    assert "Is it spelt right, and is this machine online?" in one.stderr
    assert two.stdout.count("Can't be used: its host was not found.") == 2
    assert hint in two.stderr
    assert some.exit_code == 1
    assert "online" not in some.stderr


def test_alike_drops_are_told_in_one_line(tmp_path: Path) -> None:
    bare = "".join(f"<item><title>Bare {n}</title></item>" for n in range(1, 18))
    wordless = "<item><link>https://paper.example/w</link></item>"

    out = check(None, written(tmp_path, rss(item(1), bare, wordless))).stdout

    assert "  dropped: 17 entries have no link, such as “Bare 1”.\n" in out
    assert "  dropped: Entry 19 has a link but no words.\n" in out
    assert out.count("dropped: ") == 2


def test_json_shows_as_many_articles_as_asked_for(site: LoopbackServer) -> None:
    [two] = json.loads(check(site, "/feed", "--json", "--articles", "2").stdout)
    [whole] = facts(site, "/feed")

    assert (len(two["articles"]), two["usable_articles"]) == (2, 8)
    assert len(whole["articles"]) == 8


def test_when_it_would_be_asked_and_why_then(tmp_path: Path) -> None:
    hours = "".join(f"<hour>{hour}</hour>" for hour in range(24) if hour != 6)
    picky = rss(f"<skipHours>{hours}</skipHours>", *(item(n, n / 24) for n in range(1, 9)))
    silent = rss(*(item(n, 5 + n / 24) for n in range(9)))

    assert (
        "would be asked every 30 minutes, but only at 06:00 UTC, as it asks; when it is added"
        in check(None, written(tmp_path, picky)).stdout
    )
    assert (
        "would be asked every 6 hours, because it is silent; when it is added"
        in check(None, written(tmp_path, silent)).stdout
    )


def test_one_article_is_news(tmp_path: Path) -> None:
    out = check(None, written(tmp_path, rss(item(1), item(2, 20)))).stdout

    assert "1 of its articles is recent enough to be news" in out


@pytest.mark.parametrize(
    ("hours", "days", "words"),
    [
        ((), (), ""),
        (range(24), (), ""),
        ((), range(7), ""),
        ((0, 1, 2, 23), (), "not from 23:00 to 02:59 UTC"),
        (set(range(24)) - {6, 18}, (), "only at 06:00 and at 18:00 UTC"),
        ((), (5, 6), "not on Saturday and Sunday"),
        ((3,), set(range(7)) - {0}, "only on Monday and not at 03:00 UTC"),
    ],
)
def test_what_skipped_hours_and_days_leave(
    hours: Iterable[int], days: Iterable[int], words: str
) -> None:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    rhythm = RawRhythm(
        skip_hours=tuple(map(str, hours)), skip_days=tuple(names[day] for day in days)
    )

    assert timing(rhythm, None, [], NOW).hours == words


def test_ctrl_c_shows_what_is_done(site: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: object, jobs: Iterator[Any], **__: object) -> Iterator[Any]:
        yield next(jobs)
        raise KeyboardInterrupt

    monkeypatch.setattr("rich.progress.Progress.track", stopped)

    result = check(site, "/feed", "/feed", "/feed")

    assert result.exit_code == 3
    assert result.stdout.count("“Harbour Courier”") == 1
    assert "Stopped. 1 of 3 were looked at." in result.stderr


def test_a_saved_page_names_its_feeds_and_nobody_is_asked(tmp_path: Path) -> None:
    result = check(None, written(tmp_path, page(alternate("/rss", "All"))[1], "saved.html"))

    assert result.exit_code == 1
    assert "    /rss  (All, RSS)" in result.stdout.replace("    rss", "    /rss")


def test_a_newsletter_file_stands_for_its_feeds(site: LoopbackServer, tmp_path: Path) -> None:
    text = (NEWSLETTERS / "demo.yaml").read_text("utf-8").split("sections:")[0]
    feeds = f"[{site.url}/feed, {site.url}/empty.xml]"
    sections = f"sections:\n  - {{id: a, title: A, feeds: {feeds}}}\n"
    file, broken = written(tmp_path, text + sections, "a.yaml"), tmp_path / "none.yaml"

    assert [one["url"] for one in facts(site, file)] == [
        f"{site.url}/feed",
        f"{site.url}/empty.xml",
    ]
    assert check(site, broken).exit_code == 2


@pytest.mark.parametrize(
    ("asked", "file"),
    [
        ("example.org", False),
        ("example.org/feed.xml", False),
        ("https://example.org", False),
        ("feeds/x.xml", True),
        ("./feed.xml", True),
        ("/etc", True),
        ("nothing", True),
        ("a\x00b", False),
    ],
)
def test_a_path_is_told_from_an_address(asked: str, file: bool) -> None:
    assert is_file(asked) is file


@pytest.mark.parametrize(
    ("a_week", "words"),
    [
        (140.0, "about 20 articles a day"),
        (7.0, "about 7 articles a week"),
        (1.0, "about 4 articles a month"),
        (0.1, "about 5 articles a year"),
        (0.01, "about 1 article a year"),
    ],
)
def test_a_rhythm_in_words(a_week: float, words: str) -> None:
    assert rhythm(a_week) == words


@pytest.mark.slow
def test_every_file_of_the_corpus_is_told_something(shared: Path) -> None:
    files = [path for path in sorted((shared / "corpora/feeds").rglob("*")) if path.is_file()]
    assert len(files) > 2000

    result = check(None, *files, "--articles", "1")

    # A fifth-order defect would be named by its type.
    assert "can't be read (" not in result.stdout
    assert result.stdout.count("\n\n") >= len(files) - 1
    assert not any(ord(one) < 32 and one != "\n" for one in result.stdout)


# ── import ───────────────────────────────────────────────────────────────────────────────────────

LIST = """<opml version="2.0"><head><title>Mine</title></head><body><outline text="Tech">
<outline type="rss" text="One" xmlUrl="https://a.example/1"/>
<outline type="rss" text="One again" xmlUrl="https://a.example/1"/></outline></body></opml>"""


def test_import_prints_a_newsletter_file(tmp_path: Path) -> None:
    result = courant("feeds", "import", written(tmp_path, LIST, "my.opml"))

    assert result.exit_code == 0
    assert "      - https://a.example/1  # One\n" in result.stdout
    assert "One again) is there twice" in result.stderr
    assert "1 feed in 1 section" in result.stderr


def test_import_says_when_something_is_left_out(tmp_path: Path) -> None:
    broken = LIST.replace("</outline>", '<outline text="a "b" c" xmlUrl="https://a.example/2"/>')

    result = courant("feeds", "import", written(tmp_path, broken, "my.opml"))

    assert result.exit_code == 3
    assert "      - https://a.example/2" in result.stdout
    assert "1 feed after that was found all the same" in result.stderr
    assert "2 feeds in 1 section" in result.stderr


def test_import_writes_what_validate_then_names_and_never_over_a_file(tmp_path: Path) -> None:
    file, out = written(tmp_path, LIST, "my.opml"), tmp_path / "mine.yaml"

    assert courant("feeds", "import", file, "--out", out).exit_code == 0
    validated = courant("validate", out)
    assert validated.exit_code == 2
    assert "sender.address" in validated.stderr
    assert "postal_address: is empty; write a value\n" in validated.stderr
    assert "id: mine\n" in out.read_text("utf-8")

    out.write_text("dear", "utf-8")
    again = courant("feeds", "import", file, "--out", out)
    assert again.exit_code == 2
    assert "is there already; --force writes over it" in again.stderr
    assert out.read_text("utf-8") == "dear"
    assert courant("feeds", "import", file, "--out", out, "--force").exit_code == 0
    assert out.read_text("utf-8") != "dear"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<rss/>", "no list of feeds"),
        ("<opml><body/></opml>", "no feed in this list"),
        ('<!DOCTYPE o [<!ENTITY a "b">]><opml/>', "entities of its own"),
    ],
)
def test_import_of_something_else_is_wrong_input(tmp_path: Path, text: str, why: str) -> None:
    result = courant("feeds", "import", written(tmp_path, text, "x.opml"))

    assert result.exit_code == 2
    assert why in result.stderr
    assert result.stdout == ""


def test_import_of_no_file_and_to_no_folder(tmp_path: Path) -> None:
    missing = courant("feeds", "import", tmp_path / "none.opml")
    nowhere = courant(
        "feeds", "import", written(tmp_path, LIST), "--out", tmp_path / "none" / "x.yaml"
    )

    assert missing.exit_code == nowhere.exit_code == 2
    assert "No such file" in missing.stderr
    assert "No such file" in nowhere.stderr
