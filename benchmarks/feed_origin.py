"""The web that the gather benchmark asks: a loopback server of real feeds, some way away.

Run as ``python -m benchmarks.feed_origin CORPORA LATENCY_MS``; prints its port, ends with its
stdin. ``/f/<n>`` is feed ``n`` (the corpus's feeds over and over, each with a comment of its own so
that no two bodies are equal), with an ETag that it recognises. It runs on the contestants' own
cores, so it does as little as it can.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks.corpus import benchmark_feeds


class Origin(asyncio.Protocol):
    """One connection. Answers after the latency, keeps alive, knows GET and If-None-Match."""

    def __init__(self, bodies: list[bytes], latency_s: float) -> None:
        self._bodies = bodies
        self._latency = latency_s
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server gives
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Some of a request came."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            answer = self._answer(head)
            asyncio.get_running_loop().call_later(self._latency, self._send, answer)

    def _send(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)

    def _answer(self, head: bytes) -> bytes:
        line, *rest = head.split(b"\r\n")
        headers = dict(part.lower().split(b": ", 1) for part in rest if b": " in part)
        number = int(line.split(b" ")[1].rpartition(b"/")[2])
        etag = b'"%d"' % number
        if headers.get(b"if-none-match") == etag:
            return b"HTTP/1.1 304 Not Modified\r\nETag: " + etag + b"\r\n\r\n"
        body = feed(self._bodies, number)
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nETag: %b\r\n"
            b"Content-Length: %d\r\n\r\n%b"
        ) % (etag, len(body), body)


def feed(bodies: list[bytes], number: int) -> bytes:
    """The body of feed ``number``."""
    return bodies[number % len(bodies)] + b"\n<!-- %d -->" % number


async def _serve(bodies: list[bytes], latency_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Origin(bodies, latency_s), "127.0.0.1", 0, backlog=512
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(
        _serve(benchmark_feeds(Path(sys.argv[1])), float(sys.argv[2]) / 1000),
    )
