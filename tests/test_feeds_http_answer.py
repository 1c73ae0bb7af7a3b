"""Answers off a socket: every byte counted, every wait on one deadline."""

from __future__ import annotations

import gc
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courant.feeds.fetching.http_answer import MAX_HEAD_BYTES, Answer, BadAnswer

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MIB = 1024 * 1024


@contextmanager
def line(data: bytes, *, cut: int = 0, hold: bool = False) -> Iterator[socket.socket]:
    """A socket on which ``data`` arrives, in two pieces, and then the end, or silence."""
    ours, theirs = socket.socketpair()

    def send() -> None:
        try:
            for piece in (data[:cut], data[cut:]):
                theirs.sendall(piece)
                if cut:
                    time.sleep(0.001)
            if not hold:
                theirs.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the reader has had enough

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield ours
    finally:
        ours.close()
        thread.join(10)
        theirs.close()


def read(
    data: bytes, *, max_bytes: int = MIB, seconds: float = 10, cut: int = 0, hold: bool = False
) -> tuple[Answer, bytes]:
    with line(data, cut=cut, hold=hold) as connected:
        answer = Answer(connected, b"GET / HTTP/1.1\r\n\r\n", time.monotonic() + seconds)
        return answer, b"".join(answer.body(max_bytes))


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (OK + b"Content-Length: 0\r\n\r\n", b""),
        (OK + b"Content-Length: 5, 5\r\n\r\nhello", b"hello"),
        (OK + b"Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
        (OK + b"Content-Length: 5\r\nConnection: Close\r\n\r\nhello", b"hello"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        # More than was said: the rest is nobody's.
        (OK + b"Content-Length: 5\r\n\r\nhello world", b"hello"),
        (OK + b"\r\nhello", b"hello"),
        (OK + b"Content-Length: five\r\n\r\nhello", b"hello"),
        (OK + b"Content-Length: -5\r\n\r\nhello", b"hello"),
        (OK + b"Content-Length: +5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na", b"a"),
        (OK + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\nhello", b"hello"),
        (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nhello", b"hello"),
        (OK + b"Transfer-Encoding: identity\r\n\r\nhello", b"hello"),
        (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (CHUNKED + b"5\r\nhello\r\n6 ;a=b\r\n world\r\n00\r\nX: y\r\n\r\n", b"hello world"),
        (CHUNKED.replace(b"chunked", b"Chunked") + b"1\r\na\r\n0\r\n\r\n", b"a"),
        # A length beside chunks is not believed (RFC 9112 §6.3).
        (
            OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            b"a",
        ),
        # Bare line feeds will do, but not after a chunk.
        (CHUNKED.replace(b"\r\n", b"\n") + b"5\nhello\r\n0\n\n", b"hello"),
        (CHUNKED + b"0x1\r\na\r\n0\r\n\r\n", b"a"),
        (b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", b"a"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na", b"a"),
        (b"HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na", b"a"),
    ],
)
@pytest.mark.parametrize("cut", [0, 9, 30, -3])
def test_body_ends_where_its_framing_says(data: bytes, body: bytes, cut: int) -> None:
    assert read(data, cut=cut)[1] == body


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK", "cut off"),
        (b"HTTP/1.1 200 OK\r\n", "cut off"),
        (b"HTTP/1.1 200 OK\r\nX: y", "cut off"),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", "cut off"),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n\r", "cut off"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "cut off"),
        (b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 2", "cut off"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP"),
        (b"HTTP/2 200 OK\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 099 OK\r\n\r\n", "not HTTP"),
        (b"ICY 200 OK\r\n\r\n", "not HTTP"),
        (b"<html>not a server of this kind</html>", "not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x50", "not HTTP"),
        (b"\0" * 1000, "not HTTP"),
        (OK + b"Content-Length: 9\r\n\r\nhello", "cut off"),
        (OK + b"Content-Length: 9999999\r\n\r\nhello", "more than 1 MiB"),
        (OK + b"\r\n" + b"a" * (MIB + 1), "more than 1 MiB"),
        (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "framed"),
        (OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "framed"),
        # http.client does not know chunks by this name.
        (CHUNKED.replace(b"chunked", b"chunked ") + b"1\r\na\r\n0\r\n\r\n", "framed"),
        (CHUNKED + b"zz\r\n", "cut off"),
        (CHUNKED + b"\r\n", "cut off"),
        (CHUNKED + b"-1\r\na\r\n", "cut off"),
        (CHUNKED + b"-5\r\na\r\n", "cut off"),
        (CHUNKED + b"-1\r\n" + b"a" * 2 * MIB, "more than 1 MiB"),
        (CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n", "cut off"),
        (CHUNKED + b"5\nhello\n0\n\n", "cut off"),
        (CHUNKED + b"5\r\nhell", "cut off"),
        (CHUNKED + b"5\r\nhello\r\n", "cut off"),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", "cut off"),
        (CHUNKED + b"ffffffffff\r\nhello", "cut off"),
        (CHUNKED + b"f" * 100_000 + b"\r\n", "cut off"),
        (CHUNKED + b"1;" + b"a" * 100_000 + b"\r\na\r\n", "cut off"),
        (CHUNKED + b"ffffffffff\r\n" + b"a" * 2 * MIB, "more than 1 MiB"),
        (CHUNKED + b"1\r\na\r\n" * 400_000, "more than 1 MiB"),
        (CHUNKED + b"0\r\n" + b"X: y\r\n" * 400_000, "more than 1 MiB"),
    ],
)
def test_answer_that_is_none_is_refused_in_a_sentence(data: bytes, why: str) -> None:
    with pytest.raises(BadAnswer, match=why):
        read(data)


def test_body_of_exactly_the_cap_is_read() -> None:
    data = b"a" * 1000

    assert read(OK + b"Content-Length: 1000\r\n\r\n" + data, max_bytes=1000)[1] == data
    assert read(OK + b"\r\n" + data, max_bytes=1000)[1] == data
    with pytest.raises(BadAnswer):
        read(OK + b"Content-Length: 1001\r\n\r\n" + data + b"a", max_bytes=1000)
    with pytest.raises(BadAnswer):
        read(OK + b"\r\n" + data + b"a", max_bytes=1000)
    with pytest.raises(BadAnswer):
        read(CHUNKED + b"4e84\r\n" + b"a" * 20_100 + b"\r\n0\r\n\r\n", max_bytes=20_000)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n", "too long"),
        (b"X: aaaa\r\n" * 101, "too long"),
        (b" folded\r\n" * 20_000, "too long"),
        # The email package raises what it likes.
        (b"Content-Type: multipart/x; boundary*=a; boundary*0=b\r\n", "broken"),
        (b"Content-Type: multipart/x; boundary*" + b"1" * 5000 + b"=b\r\n", "broken"),
        (b"X: " + b"a" * 20_000 + b"\r\n", None),
        (b"X: aaaa\r\n" * 99, None),
    ],
)
def test_head_is_bounded(head: bytes, why: str | None) -> None:
    if why is None:
        assert read(OK + head + b"\r\n")[0].status == 200
    else:
        with pytest.raises(BadAnswer, match=why):
            read(OK + head + b"\r\n")


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: y\r\n".ljust(64, b"x"),
    ],
)
def test_endless_head_costs_no_more_than_its_cap(endless: bytes) -> None:
    ours, theirs = socket.socketpair()
    sent = 0

    def send() -> None:
        nonlocal sent
        try:
            while sent < 100_000_000:
                sent += theirs.send(endless * 1000)
        except OSError:
            return

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    with pytest.raises(BadAnswer, match="too long"):
        Answer(ours, b"", time.monotonic() + 30)
    ours.close()
    thread.join(30)
    theirs.close()

    # What was on its way in the sockets' buffers, and no more.
    assert sent < 4_000_000


def test_headers_are_read_leniently_and_come_out_clean() -> None:
    data = (
        b"HTTP/1.1 200 OK\r\n"
        b" stray fold\r\n"
        b"ETag:\t\"a\"  \r\n"
        b"ETag: second\r\n"
        b"X-Folded: one\r\n  two\r\n"
        b"Cache-Control: max-age=1\r\n"
        b"cache-control: public\r\n"
        b"X-Nul: a\0b\x1b\x7f\rc\r\r\n"
        b"X-Utf: \xc3\xbc\x85\xc3\xa0\r\n"
        b"Set-Cookie: a=b\r\n"
        b": nameless\r\n"
        b"X-Last:\r\n"
        b"\r\n"
    )  # fmt: skip

    answer, _ = read(data)

    assert answer.headers == {
        "etag": '"a"',
        "x-folded": "one    two",
        "cache-control": "max-age=1, public",
        "x-nul": "a b   c",
        "x-utf": "\xc3\xbc\x85\xc3\xa0",
        "set-cookie": "a=b",
        "x-last": "",
    }


def test_line_that_is_no_header_ends_what_is_understood_but_not_the_head() -> None:
    answer, body = read(OK + b"X: y\r\nno colon here\r\nETag: a\r\n\r\nhello")

    assert answer.headers == {"x": "y"}
    assert body == b"hello"


def test_dearest_head_there_is_costs_no_fortune() -> None:
    # Every semicolon is looked at with all before it (email.message).
    value = b'multipart/x; a="'.ljust(MAX_HEAD_BYTES - 100, b";")
    started = time.process_time()

    read(OK + b"Content-Type: " + value + b"\r\n\r\n")

    assert time.process_time() - started < 10


@pytest.mark.parametrize("status", [b"304 Not Modified", b"301 Moved", b"101 Switching Protocols"])
def test_unwanted_body_is_not_waited_for(status: bytes) -> None:
    # 101 is another protocol from here on, not an interim answer.
    data = b"HTTP/1.1 " + status + b"\r\nContent-Length: 5000\r\n\r\nhello"

    with line(data, hold=True) as connected:
        assert Answer(connected, b"", time.monotonic() + 10).status == int(status[:3])


def test_answer_that_is_forgotten_half_read_goes_quietly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    with line(OK + b"Content-Length: 9\r\n\r\nhello") as connected:
        # In a cycle, as the frames of an exception are, things end in any order.
        cycle: list[object] = [Answer(connected, b"", time.monotonic() + 10)]
        cycle.append(cycle)
    del cycle
    gc.collect()

    assert complaints == []


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 20",
        OK + b"X: ",
        OK + b"Content-Length: 9999\r\n\r\n",
        OK + b"\r\n",
        CHUNKED,
        *(CHUNKED + b"400\r\n", CHUNKED + b"0\r\nX: "),
    ],
)
@pytest.mark.parametrize("drips", [True, False])
def test_deadline_holds_whatever_drips(start: bytes, drips: bool) -> None:
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip() -> None:
        theirs.sendall(start)
        try:
            while not stop.wait(0.005):
                if drips and start:
                    theirs.sendall(b"0")
        except OSError:
            return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    started = time.monotonic()
    try:
        with pytest.raises(TimeoutError):
            for _ in Answer(ours, b"", started + 0.1).body(MIB):
                pass
        took = time.monotonic() - started
    finally:
        stop.set()
        thread.join(10)
        ours.close()
        theirs.close()

    # A bound on behaviour, not on speed: without a deadline this would never end.
    assert took < 5


def test_deadline_holds_while_nobody_reads_the_question() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError):
        Answer(ours, b"a" * 10_000_000, time.monotonic() + 0.1)


def test_reset_before_an_answer_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        linger = b"\x01\0\0\0\0\0\0\0"
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        theirs.close()
        with ours, pytest.raises(BadAnswer, match="broke"):
            Answer(ours, b"GET", time.monotonic() + 10)


_PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 C\r\n\r\n",
        b"Content-Length: 5\r\n",
        b"5\r\n",
        b"0\r\n",
        *(
            b"Transfer-Encoding: chunked\r\n",
            b"\r\n",
            b"\n",
            b"hello",
            b" fold\r\n",
            b": \r\n",
            b"\0",
        ),
    ]
)


@settings(max_examples=60)
@given(st.lists(_PIECES | st.binary(max_size=20), max_size=12).map(b"".join))
def test_any_bytes_are_an_answer_or_a_bad_one(data: bytes) -> None:
    for written in (data, OK + data, CHUNKED + data):
        try:
            answer, body = read(written)
        except BadAnswer:
            continue
        assert 100 <= answer.status <= 999
        assert len(body) <= len(written)
        assert not any(
            ord(c) < 0x20 and c != "\t" for value in answer.headers.values() for c in value
        )
