"""What the loopback server serves, and which files of a folder are feeds."""

import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from courant.errors import ConfigurationError
from courant.feeds.document import read_document
from courant.newsletter import Newsletter
from desk import newsletter_file
from desk.demo import paper
from desk.demo.paper import Paper
from desk.feed_folder import FeedFolder
from desk.feed_server import LoopbackServer, feed_server
from desk.stack.template import ROOT

DAY = date(2026, 11, 22)
RSS = b'<rss version="2.0"><channel><title>A</title></channel></rss>'
JSON_FEED = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": []}).encode()


def at(day: int, hour: int, minute: int = 59) -> datetime:
    return datetime(2026, 11, 21 + day, hour, minute, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, body in {
        "top.xml": RSS,
        "b-side/one.rss": RSS,
        "b-side/two.atom.gz": gzip.compress(RSS),
        "b-side/deep/three.feed": b"not a feed",
        "a_side/feed.json": JSON_FEED,
        "a_side/index.json": b'{"files": []}',
        "a_side/one.expected.json": JSON_FEED,
        "a_side/README": b"read",
        "a_side/list.opml": b"<opml/>",
        "a_side/page.html": b"<html>",
        "LICENSE.txt": b"free",
        ".hidden/x.xml": RSS,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(body)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[LoopbackServer]:
    with feed_server(FeedFolder(folder)) as server:
        yield server


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_a_feed_is_served_as_it_lies(server: LoopbackServer) -> None:
    status, headers, body = get(f"{server.url}/top.xml")

    assert (status, body) == (200, RSS)
    assert headers["Content-Type"] == "application/xml"
    assert headers["Last-Modified"].endswith("GMT")


def test_a_packed_feed_is_served_unpacked(server: LoopbackServer) -> None:
    _, headers, body = get(f"{server.url}/b-side/two.atom.gz")

    assert body == RSS
    assert headers["Content-Type"] == "application/atom+xml"


def test_a_feed_that_is_known_is_not_sent_again(server: LoopbackServer) -> None:
    _, headers, _ = get(f"{server.url}/top.xml")

    by_tag = get(f"{server.url}/top.xml", **{"If-None-Match": headers["ETag"]})
    by_date = get(f"{server.url}/top.xml", **{"If-Modified-Since": headers["Last-Modified"]})
    by_other_tag = get(f"{server.url}/top.xml", **{"If-None-Match": '"other"'})

    assert (by_tag[0], by_tag[2]) == (304, b"")
    assert by_date[0] == 304
    assert by_other_tag[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/nope.xml", "/../top.xml", "/%2e%2e/top.xml", "/LICENSE.txt"]
)
def test_nothing_else_is_served(server: LoopbackServer, path: str) -> None:
    assert get(server.url + path)[0] == 404


def test_only_feed_files_count(folder: Path) -> None:
    names = [file.name for file in FeedFolder(folder).files]

    assert names == [
        "a_side/feed.json",
        "b-side/deep/three.feed",
        "b-side/one.rss",
        "b-side/two.atom.gz",
        "top.xml",
    ]


def test_first_sub_folders_are_sections(folder: Path) -> None:
    sections = FeedFolder(folder).sections(lambda file: f"http://127.0.0.1{file.url_path}")

    assert [(s.id, s.title, len(s.feeds)) for s in sections] == [
        ("a-side", "a_side", 1),
        ("b-side", "b-side", 3),
        ("latest", "Latest", 1),
    ]


def test_sections_keep_a_newsletters_bounds(tmp_path: Path) -> None:
    for n in range(120):
        (tmp_path / f"Ünï {n}").mkdir()
        (tmp_path / f"Ünï {n}" / "x.xml").write_bytes(RSS)
    (tmp_path / "many").mkdir()
    for n in range(501):
        (tmp_path / "many" / f"{n}.xml").write_bytes(RSS)

    sections = FeedFolder(tmp_path).sections(lambda file: f"http://127.0.0.1{file.url_path}")

    assert len(sections) == 100
    assert sum(len(section.feeds) for section in sections) == 621
    assert len({section.id for section in sections}) == 100


def test_a_folder_without_feeds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no feed file"):
        FeedFolder(tmp_path)
    with pytest.raises(ConfigurationError, match="no such folder"):
        FeedFolder(tmp_path / "nope")


def demo_newsletter() -> Newsletter:
    return newsletter_file.load(ROOT / "newsletters" / "demo.yaml")


@pytest.mark.parametrize("url", demo_newsletter().feeds)
def test_every_feed_of_the_demo_can_be_read(url: str) -> None:
    served = Paper(DAY, lambda: at(1, 5)).document(url.removeprefix(paper.SITE))

    assert served is not None
    document = read_document(served.body, served.content_type, url, feed_id="f" * 32, now=at(1, 5))
    assert document.items
    assert document.dropped == 0
    assert all(item.article.published for item in document.items)


def test_items_come_out_when_their_hour_passes() -> None:
    clock = [at(1, 0, 0)]
    paper_ = Paper(DAY, lambda: clock[0])
    counts = []

    for now in (at(1, 0, 0), at(1, 3), at(1, 4), at(2, 4), at(3, 4)):
        clock[0] = now
        document = paper_.document("/feeds/city.xml")
        assert document is not None
        counts.append(document.body.count(b"<item>"))

    assert counts[0] == 0
    assert counts == sorted(set(counts))


def test_an_unchanged_feed_keeps_its_validators() -> None:
    clock = [at(1, 5)]
    paper_ = Paper(DAY, lambda: clock[0])
    before = paper_.document("/feeds/council.xml")
    clock[0] += timedelta(hours=3)

    after = paper_.document("/feeds/council.xml")

    assert before is not None
    assert after == before


def test_every_picture_that_is_named_is_there() -> None:
    paper_ = Paper(DAY, lambda: at(3, 5))
    names = [image.name for image in paper.IMAGES.iterdir()]

    pictures = [paper_.document(f"/images/{name}") for name in names]

    assert pictures
    assert all(picture and picture.content_type == "image/jpeg" for picture in pictures)
    assert paper_.document("/images/../news.yaml") is None
    city = paper_.document("/feeds/city.xml")
    assert city is not None
    assert b'width="1200" height="630"' in city.body


def test_a_reader_that_hangs_up_is_no_error_to_report(capsys: pytest.CaptureFixture[str]) -> None:
    server = LoopbackServer(BaseHTTPRequestHandler)
    try:
        raise ConnectionResetError  # noqa: TRY301 - what a handler thread would have met
    except ConnectionResetError:
        server.handle_error(None, ("127.0.0.1", 1))
    server.server_close()

    assert capsys.readouterr().err == ""
