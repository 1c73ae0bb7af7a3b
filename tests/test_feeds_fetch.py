"""One conditional GET, against servers on loopback that behave and that don't."""

from __future__ import annotations

import gzip
import re
import socket
import threading
import time
import tomllib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from courant.errors import FeedRefused, FeedUnreachable
from courant.feeds import fetch, guard
from courant.feeds.fetch import Fetched, Fetcher, FetchFailed, FetchOutcome, Limits, NotModified

FEED = b"<rss version='2.0'><channel><title>t</title></channel></rss>"
# A connection and the head of the request on it.
Script = Callable[[socket.socket, str], None]


@contextmanager
def serving(script: Script, host: str = "127.0.0.1") -> Iterator[int]:
    """A server that answers each connection by ``script``; its port."""
    listener = socket.create_server((host, 0))
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
                        b"\r\n\r\n" not in head
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


def answering(data: bytes) -> Script:
    return lambda connection, _: connection.sendall(data)


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


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "identity"])
def test_packed_body_is_unpacked_whatever_the_header_says(encoding: str) -> None:
    packed = gzip.compress(FEED[:20]) + gzip.compress(FEED[20:])

    with serving(answering(response("200 OK", packed, Content_Encoding=encoding))) as port:
        outcome = ask(port)

    assert isinstance(outcome, Fetched)
    assert outcome.body == FEED


def test_plain_body_that_claims_to_be_packed_is_taken_as_it_is() -> None:
    with serving(answering(response("200 OK", FEED, Content_Encoding="gzip"))) as port:
        outcome = ask(port)

    assert isinstance(outcome, Fetched)
    assert outcome.body == FEED


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd"])
def test_compression_nobody_asked_for_is_refused(encoding: str) -> None:
    with serving(answering(response("200 OK", b"x", Content_Encoding=encoding))) as port:
        assert "not asked for" in reason(ask(port))


def test_bomb_is_not_unpacked_beyond_the_cap() -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)

    with serving(answering(response("200 OK", bomb, Content_Encoding="gzip"))) as port:
        assert reason(ask(port)) == "it unpacks to more than 10 MiB"


def test_body_beyond_the_cap_is_not_read() -> None:
    with serving(answering(response("200 OK", b"x" * 6_000_000))) as port:
        assert reason(ask(port)) == "it sent more than 5 MiB"


def test_body_of_exactly_the_cap_is_read() -> None:
    with serving(answering(response("200 OK", b"x" * 100_000))) as port:
        outcome = ask(port, limits=Limits(wire_bytes=100_000))

    assert isinstance(outcome, Fetched)


@pytest.mark.parametrize(
    "data",
    [
        response("200 OK", FEED)[:-10],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n<rss>",
        response("200 OK", gzip.compress(FEED * 50)[:-9], Content_Encoding="gzip"),
    ],
    ids=["length", "chunk", "gzip"],
)
def test_body_that_was_cut_off_is_a_failure(data: bytes) -> None:
    with serving(answering(data)) as port:
        assert reason(ask(port)) in {"its answer was cut off", "the connection broke"}


def test_broken_gzip_is_a_failure() -> None:
    body = b"\x1f\x8b\x08\x00" + zlib.compress(FEED)

    with serving(answering(response("200 OK", body))) as port:
        assert reason(ask(port)) == "its answer is not valid gzip"


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: minus one\r\nContent-Length: 7\r\n\r\n",
        b"\0" * 1000,
    ],
    ids=["ssh", "nothing", "long header", "many headers", "chunks", "lengths", "zeros"],
)
def test_answer_that_is_hardly_http_is_a_value(data: bytes) -> None:
    with serving(answering(data)) as port:
        assert isinstance(ask(port), Fetched | FetchFailed)


def test_redirects_are_followed() -> None:
    def script(connection: socket.socket, head: str) -> None:
        if head.startswith("GET /feed "):
            connection.sendall(response("301 Moved Permanently", Location="new/ü?a"))
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
        "file:///proc/self/environ",
        "//user@example.org/",
    ],
)
def test_redirect_into_our_own_network_is_refused(location: str) -> None:
    with serving(answering(response("302 Found", Location=location))) as port:
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


@pytest.mark.parametrize("part", ["status", "header", "body", "endless body", "chunk size"])
def test_dripping_server_is_left_when_the_time_is_over(part: str) -> None:
    heads = {
        "status": b"",
        "header": b"HTTP/1.1 200 OK\r\nX: ",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        "endless body": b"HTTP/1.1 200 OK\r\n\r\n",
        "chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    }
    stop = threading.Event()

    def drip(connection: socket.socket, _: str) -> None:
        connection.sendall(heads[part])
        while not stop.wait(0.02):
            connection.sendall(b"0")

    with serving(drip) as port:
        started = time.monotonic()
        outcome = ask(port, limits=Limits(seconds=0.3))
        took = time.monotonic() - started
        stop.set()

    assert reason(outcome) == "it took longer than 0.3 seconds"
    # A bound on behaviour, not on speed: without the watchdog this would never end.
    assert took < 8


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


def test_tls_names_the_host_that_was_asked_for() -> None:
    greetings: list[str] = []

    with serving(lambda _, head: greetings.append(head)) as port:
        fetcher = Fetcher(
            contact_url="", open_ports=frozenset({port}), lookup=lambda *_: ["127.0.0.1"]
        )
        fetcher.fetch(f"https://feeds.example.org:{port}/")

    assert "feeds.example.org" in greetings[0]


def test_downgrade_to_http_is_refused() -> None:
    fetcher = Fetcher(contact_url="")
    web = guard.check_url("https://example.org/feed")

    with pytest.raises(FeedRefused, match="https to http"):
        fetcher._redirected(web, "http://example.org/feed")


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
