"""One conditional GET, against servers on loopback that behave and that don't."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from courant.errors import FeedRefused, FeedUnreachable
from courant.feeds.fetching import dial, fetch, guard
from courant.feeds.fetching.fetch import (
    Fetched,
    Fetcher,
    FetchFailed,
    FetchOutcome,
    Limits,
    NotModified,
    Told,
)
from desk.feed_server import LoopbackServer

FEED = b"<rss version='2.0'><channel><title>t</title></channel></rss>"
# A connection and the head of the request on it.
Script = Callable[[socket.socket, str], None]


@contextmanager
def serving(script: Script, *, greet: bool = True) -> Iterator[int]:
    """A server that answers each connection by ``script``; its port.

    Without ``greet`` the script gets the connection before anything was read from it.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def talk() -> None:
        while not done.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    head = b""
                    # A TLS greeting has no end that could be waited for.
                    while (
                        greet
                        and b"\r\n\r\n" not in head
                        and head[:1] != b"\x16"
                        and (more := connection.recv(65536))
                    ):
                        head += more
                    script(connection, head.decode("latin-1"))
                except OSError:
                    continue  # the client hung up, as it should on some of these

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        done.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def response(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def moved(location: str) -> bytes:
    """A redirect; servers write UTF-8 where only ASCII should stand."""
    return response("302 Found", Location=location.encode().decode("latin-1"))


def answering(data: bytes) -> Script:
    return lambda connection, _: connection.sendall(data)


def local(port: int) -> Fetcher:
    return Fetcher(contact_url="", open_ports=frozenset({port}), limits=Limits(seconds=10))


def echo() -> type[BaseHTTPRequestHandler]:
    """Says to each request which path it was for, and keeps the connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.path.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Not here."""

    return Handler


def ask(
    port: int, path: str = "/feed", limits: Limits | None = None, **kwargs: str
) -> FetchOutcome:
    fetcher = Fetcher(
        contact_url="https://news.example.org",
        open_ports=frozenset({port}),
        limits=limits or Limits(seconds=10),
    )
    return fetcher.fetch(f"http://127.0.0.1:{port}{path}", **kwargs)


def reason(outcome: FetchOutcome) -> str:
    assert isinstance(outcome, FetchFailed)
    return outcome.error.reason


def test_feed_is_fetched_with_what_its_server_says_of_it() -> None:
    data = response(
        "200 OK", FEED, Content_Type="application/rss+xml; charset=utf-8", ETag='"a"',
        Last_Modified="Sun, 22 Nov 2026 07:00:00 GMT",
    )  # fmt: skip

    with serving(answering(data)) as port:
        outcome = ask(port)

    assert outcome == Fetched(
        body=FEED,
        content_type="application/rss+xml; charset=utf-8",
        url=f"http://127.0.0.1:{port}/feed",
        etag='"a"',
        last_modified="Sun, 22 Nov 2026 07:00:00 GMT",
    )


def test_request_says_who_asks_and_what_for() -> None:
    heads: list[str] = []

    def script(connection: socket.socket, head: str) -> None:
        heads.append(head)
        connection.sendall(response("200 OK", FEED))

    with serving(script) as port:
        ask(port, "/feed?a=%20b")

    assert heads[0].startswith("GET /feed?a=%20b HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{port}\r\n" in heads[0]
    assert f"\r\nUser-Agent: Courant/{fetch.VERSION} (+https://news.example.org)\r\n" in heads[0]
    assert "\r\nAccept-Encoding: gzip\r\n" in heads[0]
    assert "\r\nConnection: close\r\n" in heads[0]
    assert "If-None-Match" not in heads[0]


def test_version_is_the_projects() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())

    assert project["project"]["version"].startswith(f"{fetch.VERSION}.")


def test_name_is_kept_while_the_checked_address_is_connected_to() -> None:
    heads: list[str] = []

    def script(connection: socket.socket, head: str) -> None:
        heads.append(head)
        connection.sendall(response("200 OK", FEED))

    with serving(script) as port:
        fetcher = Fetcher(
            contact_url="https://news.example.org",
            open_ports=frozenset({port}),
            lookup=lambda *_: ["127.0.0.1"],
        )
        outcome = fetcher.fetch(f"http://feeds.example.org:{port}/")

    assert isinstance(outcome, Fetched)
    assert f"\r\nHost: feeds.example.org:{port}\r\n" in heads[0]


def test_unchanged_feed_is_not_sent_again() -> None:
    def script(connection: socket.socket, head: str) -> None:
        same = 'If-None-Match: "a"' in head and "If-Modified-Since: yesterday" in head
        connection.sendall(response("304 Not Modified" if same else "200 OK", b""))

    with serving(script) as port:
        outcome = ask(port, etag='"a"', last_modified="yesterday")

    assert outcome == NotModified()


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\nb", "\0", "ü\u2028", "x" * 600, ""])
def test_validator_that_could_break_the_request_is_not_sent(bad: str) -> None:
    heads: list[str] = []

    def script(connection: socket.socket, head: str) -> None:
        heads.append(head)
        connection.sendall(response("200 OK", FEED))

    with serving(script) as port:
        assert isinstance(ask(port, etag=bad, last_modified=bad), Fetched)

    assert "If-" not in heads[0]
    assert len(heads[0].splitlines()) == 7


def test_304_that_nobody_asked_for_is_a_failure() -> None:
    with serving(answering(response("304 Not Modified"))) as port:
        assert reason(ask(port)) == "it answered 304 Not Modified"


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "500 Internal Server Error"])
def test_error_status_is_named(status: str) -> None:
    with serving(answering(response(status, b"<html>"))) as port:
        assert reason(ask(port)) == f"it answered {status}"


def test_unknown_status_is_named_by_its_number() -> None:
    with serving(answering(response("599 Whatever"))) as port:
        assert reason(ask(port)) == "it answered 599"


@pytest.mark.parametrize("encoding", ["", "gzip", "x-gzip", "GZIP", "identity"])
def test_packed_body_is_unpacked_whatever_the_header_says(encoding: str) -> None:
    data = response("200 OK", gzip.compress(FEED), Content_Encoding=encoding)

    with serving(answering(data)) as port:
        outcome = ask(port)

    assert isinstance(outcome, Fetched)
    assert outcome.body == FEED


@pytest.mark.parametrize(
    "encoding",
    ["br", "zstd", "compress", "gzip, gzip", "gzip,br", "deflate, gzip", ", ".join(["gzip"] * 20)],
)
def test_compression_nobody_asked_for_is_refused(encoding: str) -> None:
    data = response("200 OK", gzip.compress(FEED), Content_Encoding=encoding)

    with serving(answering(data)) as port:
        assert reason(ask(port)) == "it sent a compression that was not asked for"


def test_stacked_encodings_in_two_headers_are_refused() -> None:
    data = response("200 OK", FEED, Content_Encoding="gzip", content_encoding="gzip")

    with serving(answering(data)) as port:
        assert "not asked for" in reason(ask(port))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (response("200 OK", gzip.compress(b"\0" * 20_000_000)), "100 times its size"),
        (response("200 OK", b"x" * 6_000_000), "it sent more than 5 MiB"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 6_000_000, "it sent more than 5 MiB"),
        (response("200 OK", FEED)[:-10], "its answer was cut off"),
        (response("200 OK", gzip.compress(FEED * 50)[:-9]), "its answer was cut off"),
        (response("200 OK", b"\x1f\x8b\x08\x00" + FEED), "its answer is not valid gzip"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n<rss>", "cut off"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", "is too long"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n", "too long or broken"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "its answer is not HTTP"),
        (b"", "without an answer"),
    ],
)  # fmt: skip
def test_hostile_body_or_head_is_a_sentence(data: bytes, why: str) -> None:
    with serving(answering(data)) as port:
        assert why in reason(ask(port))


def test_empty_body_is_a_body() -> None:
    with serving(answering(response("200 OK", b"", ETag='"a"'))) as port:
        outcome = ask(port)

    assert isinstance(outcome, Fetched)
    assert outcome.body == b""


def test_304_with_a_body_is_a_304() -> None:
    with serving(answering(response("304 Not Modified", FEED))) as port:
        fetcher = local(port)
        for _ in range(3):
            assert fetcher.fetch(f"http://127.0.0.1:{port}/", etag='"a"') == NotModified()


def test_reset_in_the_middle_is_a_failure() -> None:
    def script(connection: socket.socket, _: str) -> None:
        connection.sendall(response("200 OK", FEED * 1000)[:5000])
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    with serving(script) as port:
        assert reason(ask(port)) in {"the connection broke", "its answer was cut off"}


def test_cookies_are_neither_kept_nor_sent() -> None:
    heads: list[str] = []

    def script(connection: socket.socket, head: str) -> None:
        heads.append(head)
        data = response("302 Found", Location="/b", Set_Cookie="id=1; Path=/")
        connection.sendall(data if "GET /feed " in head else response("200 OK", FEED))

    with serving(script) as port:
        fetcher = local(port)
        for _ in range(2):
            assert isinstance(fetcher.fetch(f"http://127.0.0.1:{port}/feed"), Fetched)

    assert len(heads) == 4
    assert not any("cookie" in head.lower() for head in heads)


def test_what_headers_say_of_coming_again_is_told_as_sent() -> None:
    manners = {
        "Retry_After": "120", "Cache_Control": "max-age=60", "Expires": "0", "Age": "5",
        "Date": "Sun, 22 Nov 2026 07:00:00 GMT",
    }  # fmt: skip
    told = Told(
        retry_after="120",
        cache_control="max-age=60",
        expires="0",
        age="5",
        date="Sun, 22 Nov 2026 07:00:00 GMT",
    )

    for status in (
        "200 OK",
        "304 Not Modified",
        "429 Too Many Requests",
        "503 Service Unavailable",
    ):
        with serving(answering(response(status, b"", **manners))) as port:
            outcome = ask(port, etag='"a"')
        assert outcome.told == told
        if isinstance(outcome, FetchFailed):
            assert outcome.status == int(status[:3])
            assert outcome.error.reason == f"it answered {status}"


@pytest.mark.parametrize(
    ("hops", "redirected"),
    [([], False), ([301, 308], False), ([302], True), ([301, 307], True), ([303, 301], True)],
)
def test_failure_says_whether_a_redirect_for_now_led_there(
    hops: list[int], redirected: bool
) -> None:
    def script(connection: socket.socket, head: str) -> None:
        at = int(head.split()[1].removeprefix("/"))
        status = f"{hops[at]} Moved" if at < len(hops) else "410 Gone"
        connection.sendall(response(status, Location=f"/{at + 1}"))

    with serving(script) as port:
        outcome = ask(port, "/0")

    assert isinstance(outcome, FetchFailed)
    assert (outcome.status, outcome.redirected) == (410, redirected)


def test_told_is_bounded() -> None:
    with serving(answering(response("503 Busy", Retry_After="1" * 5000))) as port:
        assert len(ask(port).told.retry_after) == 500


def test_failure_without_an_answer_has_no_status() -> None:
    with serving(answering(b"")) as port:
        outcome = ask(port)

    assert isinstance(outcome, FetchFailed)
    assert (outcome.status, outcome.told) == (None, Told())


@pytest.mark.parametrize(
    ("hops", "moved_to"),
    [
        ([], None),
        ([301], "/1"),
        ([308], "/1"),
        ([301, 308, 301], "/3"),
        ([302], None),
        ([303], None),
        ([307], None),
        ([301, 302], "/1"),
        ([302, 301], None),
        ([301, 302, 301], "/1"),
        ([301, 301, 307, 308], "/2"),
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "410 Gone"])
def test_permanent_moves_are_told_up_to_the_first_that_is_not(
    hops: list[int], moved_to: str | None, status: str
) -> None:
    def script(connection: socket.socket, head: str) -> None:
        at = int(head.split()[1].removeprefix("/"))
        if at < len(hops):
            connection.sendall(response(f"{hops[at]} Moved", Location=f"/{at + 1}"))
        else:
            connection.sendall(response(status, FEED))

    with serving(script) as port:
        outcome = ask(port, "/0")
        expected = moved_to and f"http://127.0.0.1:{port}{moved_to}"

    assert outcome.told.moved_to == expected
    if isinstance(outcome, FetchFailed):
        assert outcome.status == 410
    else:
        assert isinstance(outcome, Fetched)
        assert outcome.url == f"http://127.0.0.1:{port}/{len(hops)}"


def test_permanent_move_to_what_is_refused_is_not_told() -> None:
    data = response("301 Moved Permanently", Location="http://10.0.0.1/")

    with serving(answering(data)) as port:
        outcome = ask(port)

    assert isinstance(outcome, FetchFailed)
    assert outcome.told.moved_to is None
    assert outcome.status is None


def hosts(port: int) -> Fetcher:
    """A gatherer for which every name is this machine."""
    return Fetcher(
        contact_url="https://news.example.org",
        open_ports=frozenset({port}),
        limits=Limits(seconds=10),
        lookup=lambda *_: ["127.0.0.1"],
    )


@pytest.mark.parametrize(
    ("validated", "told_to"),
    [
        (None, ["a.example"]),
        ("http://a.example:{port}/", ["a.example"]),
        # Another document of the same host, whose date means nothing for this one.
        ("http://a.example:{port}/feed", []),
        ("http://b.example:{port}/", []),
        ("http://b.example:{port}/feed", ["b.example"]),
        ("http://c.example:{port}/feed", []),
        ("http://a.example/feed", []),
        ("http://a.example:{port}0/feed", []),
        ("https://a.example:{port}/feed", []),
        ("no address", []),
    ],
)
def test_validators_go_only_to_the_address_they_came_from(
    validated: str | None, told_to: list[str]
) -> None:
    told: list[str] = []

    def script(connection: socket.socket, head: str) -> None:
        host = re.search(r"Host: ([a-z.]+)", head)
        assert host
        told.extend([host[1]] if "If-None-Match" in head and "If-Modified-Since" in head else [])
        if host[1] == "a.example":
            location = f"http://b.example:{connection.getsockname()[1]}/feed"
            connection.sendall(response("301 Moved Permanently", Location=location))
        else:
            connection.sendall(response("304 Not Modified" if host[1] in told else "200 OK", b""))

    with serving(script) as port:
        outcome = hosts(port).fetch(
            f"http://a.example:{port}/",
            etag='"a"',
            last_modified="yesterday",
            validated_url=validated and validated.format(port=port),
        )

    assert told == told_to
    assert isinstance(outcome, NotModified if told_to == ["b.example"] else Fetched)


def test_name_that_turns_private_between_two_hops_is_refused() -> None:
    answers = {"a.example": ["127.0.0.1"], "b.example": ["127.0.0.1", "10.0.0.1"]}

    def script(connection: socket.socket, _: str) -> None:
        location = f"http://b.example:{connection.getsockname()[1]}/"
        connection.sendall(response("302 Found", Location=location))

    with serving(script) as port:
        fetcher = Fetcher(
            contact_url="",
            open_ports=frozenset({port}),
            lookup=lambda host, _: answers[host],
        )
        outcome = fetcher.fetch(f"http://a.example:{port}/")

    assert isinstance(outcome, FetchFailed)
    assert isinstance(outcome.error, FeedRefused)


def test_second_lookup_changes_nothing_within_a_conversation() -> None:
    asked: list[str] = []

    def rebinding(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    def script(connection: socket.socket, head: str) -> None:
        data = response("302 Found", Location="/b")
        connection.sendall(data if "GET /a " in head else response("200 OK", FEED))

    with serving(script) as port:
        fetcher = Fetcher(contact_url="", open_ports=frozenset({port}), lookup=rebinding)
        assert isinstance(fetcher.fetch(f"http://a.example:{port}/a"), Fetched)

    assert asked == ["a.example"]


def test_peer_that_is_not_the_checked_address_is_refused() -> None:
    with serving(answering(response("200 OK", FEED))) as port:
        web = guard.check_url(f"http://a.example:{port}/", frozenset({port}))
        # Connecting there leads to loopback.
        with pytest.raises(FeedRefused, match="another address"):
            dial.dial(web, ("0.0.0.0",), time.monotonic() + 5)  # noqa: S104 - not bound


def test_dead_addresses_are_passed_over() -> None:
    with serving(answering(response("200 OK", FEED))) as port:
        fetcher = Fetcher(
            contact_url="",
            open_ports=frozenset({port}),
            lookup=lambda *_: ["127.99.99.99", "::1", "127.0.0.1"],
        )
        assert isinstance(fetcher.fetch(f"http://a.example:{port}/"), Fetched)


def test_host_that_moved_is_looked_up_again_when_nobody_answers() -> None:
    answers = iter([["127.99.99.99"], ["127.0.0.1"]])

    with serving(answering(response("200 OK", FEED))) as port:
        fetcher = Fetcher(
            contact_url="", open_ports=frozenset({port}), lookup=lambda *_: next(answers)
        )
        url = f"http://a.example:{port}/"
        assert reason(fetcher.fetch(url)) == "it does not accept connections"
        assert isinstance(fetcher.fetch(url), Fetched)


def persistent(asked: list[tuple[int, str]], after: bytes = b"") -> Script:
    """Answers on one connection until the other side hangs up; notes connection and path."""
    number = 0

    def script(connection: socket.socket, head: str) -> None:
        nonlocal number
        number += 1
        connection.settimeout(1)
        while head:
            asked.append((number, head.split()[1]))
            connection.sendall(response("200 OK", head.split()[1].encode()) + after)
            head = connection.recv(65536).decode("latin-1")

    return script


@pytest.mark.parametrize("late", [b"", response("200 OK", b"planted")])
def test_each_question_has_a_connection_of_its_own(late: bytes) -> None:
    asked: list[tuple[int, str]] = []

    with serving(persistent(asked, after=late)) as port:
        fetcher = local(port)
        for number in range(3):
            outcome = fetcher.fetch(f"http://127.0.0.1:{port}/{number}")
            assert isinstance(outcome, Fetched)
            assert outcome.body == f"/{number}".encode()

    assert asked == [(1, "/0"), (2, "/1"), (3, "/2")]


def test_many_threads_share_one_gatherer() -> None:
    with LoopbackServer(echo()) as server:
        fetcher = local(server.port)

        def one(number: int) -> bool:
            outcome = fetcher.fetch(f"{server.url}/{number}")
            return isinstance(outcome, Fetched) and outcome.body == f"/{number}".encode()

        with ThreadPoolExecutor(32) as pool:
            right = list(pool.map(one, range(200)))

    assert all(right)


def test_redirects_are_followed() -> None:
    def script(connection: socket.socket, head: str) -> None:
        if head.startswith("GET /feed "):
            connection.sendall(response("301 Moved Permanently", Location="new/ü x?a"))
        else:
            connection.sendall(response("200 OK", head.split()[1].encode()))

    with serving(script) as port:
        outcome = ask(port)

    assert isinstance(outcome, Fetched)
    assert outcome.url.startswith(f"http://127.0.0.1:{port}/new/")
    assert outcome.body.startswith(b"/new/%")


def test_redirect_loop_ends() -> None:
    asked: list[str] = []

    def script(connection: socket.socket, head: str) -> None:
        asked.append(head)
        connection.sendall(response("302 Found", Location="/feed"))

    with serving(script) as port:
        assert reason(ask(port)) == "it redirects more than 5 times"

    assert len(asked) == 6


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
        "http://2130706433/",
        "http://10.0.0.1/",
        "http://127.0.0.1/",
        "http://localhost:9001/",
        "http://169.254.170.2/v2/credentials",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[fd00:ec2::254]/",
        "http://①②⑦.⓪.⓪.①/",
        "//0x7f.1/",
        "file:///proc/self/environ",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "data:text/xml,<rss/>",
        "javascript:alert(1)",
        "//user@example.org/",
        "http://[::1",
        "http://127.0.0.1 .example.org/",
        "/" + "a" * 3000,
    ],
)
def test_redirect_into_our_own_network_is_refused(location: str) -> None:
    with serving(answering(moved(location))) as port:
        outcome = ask(port)

    assert isinstance(outcome, FetchFailed)
    assert isinstance(outcome.error, FeedRefused)


def test_private_host_is_refused_before_anything_is_sent() -> None:
    fetcher = Fetcher(contact_url="", lookup=lambda *_: ["8.8.8.8", "192.168.0.1"])

    outcome = fetcher.fetch("https://intranet.example.org/feed")

    assert isinstance(outcome, FetchFailed)
    assert isinstance(outcome.error, FeedRefused)


def test_nobody_listening_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert reason(ask(port)) == "it does not accept connections"


def test_silent_server_is_left_when_the_time_is_over() -> None:
    stop = threading.Event()

    def silence(*_: object) -> None:
        stop.wait(10)

    with serving(silence) as port:
        outcome = ask(port, limits=Limits(seconds=0.2))
        stop.set()

    assert isinstance(outcome, FetchFailed)
    assert isinstance(outcome.error, FeedUnreachable)


def test_plain_server_behind_https_is_a_failure() -> None:
    with serving(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        fetcher = Fetcher(contact_url="", open_ports=frozenset({port}))
        outcome = fetcher.fetch(f"https://127.0.0.1:{port}/")

    assert reason(outcome) == "its TLS certificate or handshake is not valid"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for feeds.example.org, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "feeds.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("feeds.example.org")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def serving_tls(certificate: Path, script: Script) -> Iterator[tuple[Fetcher, int]]:
    """A server behind TLS, and a gatherer that trusts it; every name is this machine."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)

    def secured(connection: socket.socket, _: str) -> None:
        with suppress(OSError), server.wrap_socket(connection, server_side=True) as wrapped:
            while head := wrapped.recv(65536).decode("latin-1"):
                script(wrapped, head)

    with serving(secured, greet=False) as port:
        fetcher = Fetcher(
            contact_url="",
            open_ports=frozenset({port}),
            limits=Limits(seconds=10),
            tls=ssl.create_default_context(cafile=str(certificate)),
            lookup=lambda *_: ["127.0.0.1"],
        )
        yield fetcher, port


def test_what_a_server_says_after_its_answer_reaches_no_other_feed(certificate: Path) -> None:
    # It fills the reader's buffer, and what comes after it is in the same TLS record: decrypted,
    # but in no buffer of ours and on no descriptor any more.
    body = b"a" * (8192 - len(response("200 OK", b"a" * 8000)) + 8000)
    planted = response("200 OK", body) + response("200 OK", b"planted")

    def script(connection: socket.socket, head: str) -> None:
        connection.sendall(planted if "GET /evil " in head else response("200 OK", FEED))

    with serving_tls(certificate, script) as (fetcher, port):
        bodies = []
        for path in ("evil", "honest", "honest"):
            outcome = fetcher.fetch(f"https://feeds.example.org:{port}/{path}")
            assert isinstance(outcome, Fetched)
            bodies.append(outcome.body)

    assert bodies == [body, FEED, FEED]


def test_large_feed_behind_tls_is_fetched(certificate: Path) -> None:
    with serving_tls(certificate, answering(response("200 OK", FEED * 2000))) as (fetcher, port):
        outcome = fetcher.fetch(f"https://feeds.example.org:{port}/")

    assert isinstance(outcome, Fetched)
    assert outcome.body == FEED * 2000


def test_certificate_of_another_host_is_refused(certificate: Path) -> None:
    with serving_tls(certificate, answering(response("200 OK", FEED))) as (fetcher, port):
        for host in ("other.example.org", "127.0.0.1"):
            outcome = fetcher.fetch(f"https://{host}:{port}/")
            assert reason(outcome) == "its TLS certificate or handshake is not valid"


def test_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with serving_tls(certificate, answering(response("200 OK", FEED))) as (_, port):
        outcome = hosts(port).fetch(f"https://feeds.example.org:{port}/")

    assert reason(outcome) == "its TLS certificate or handshake is not valid"


def test_downgrade_to_http_is_refused(certificate: Path) -> None:
    def script(connection: socket.socket, _: str) -> None:
        port = connection.getsockname()[1]
        location = f"http://feeds.example.org:{port}/"
        connection.sendall(response("301 Moved Permanently", Location=location))

    with serving_tls(certificate, script) as (fetcher, port):
        outcome = fetcher.fetch(f"https://feeds.example.org:{port}/feed")

    assert isinstance(outcome, FetchFailed)
    assert isinstance(outcome.error, FeedRefused)
    assert outcome.error.reason == "it redirects from https to http"
    assert outcome.told.moved_to is None


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x03\x40\x00"])
def test_handshake_that_drips_is_left_when_the_time_is_over(said: bytes) -> None:
    stop = threading.Event()

    def drip(connection: socket.socket, _: str) -> None:
        connection.sendall(said)
        while not stop.wait(0.02):
            if said:
                connection.sendall(b"\x02")

    with serving(drip) as port:
        fetcher = Fetcher(contact_url="", open_ports=frozenset({port}), limits=Limits(seconds=0.3))
        started = time.monotonic()
        outcome = fetcher.fetch(f"https://127.0.0.1:{port}/")
        took = time.monotonic() - started
        stop.set()

    assert reason(outcome) in {
        "it took longer than 0.3 seconds",
        "its TLS certificate or handshake is not valid",
    }
    assert took < 5


def test_redirects_share_one_deadline() -> None:
    def script(connection: socket.socket, head: str) -> None:
        time.sleep(0.15)
        connection.sendall(response("302 Found", Location=head.split()[1] + "x"))

    with serving(script) as port:
        started = time.monotonic()
        outcome = ask(port, limits=Limits(seconds=0.4))
        took = time.monotonic() - started

    assert reason(outcome) == "it took longer than 0.4 seconds"
    assert took < 5


def test_tls_names_the_host_that_was_asked_for() -> None:
    greetings: list[str] = []

    with serving(lambda _, head: greetings.append(head)) as port:
        fetcher = Fetcher(
            contact_url="", open_ports=frozenset({port}), lookup=lambda *_: ["127.0.0.1"]
        )
        fetcher.fetch(f"https://feeds.example.org:{port}/")

    assert "feeds.example.org" in greetings[0]


def test_only_sane_validators_are_kept() -> None:
    data = response("200 OK", FEED, ETag='"' + "a" * 2000 + '"', Last_Modified="a\tb")

    with serving(answering(data)) as port:
        outcome = ask(port)

    assert isinstance(outcome, Fetched)
    assert outcome.etag is None
    assert outcome.last_modified is None


def test_every_failure_is_a_sentence_without_the_address() -> None:
    with serving(answering(response("404 Not Found"))) as port:
        said = reason(ask(port))

    assert not re.search(r"127|http", said)
