"""Serves on loopback: feeds as a well-behaved server does, and pages to this machine alone.

A ``Source`` knows what feeds there are: a folder of feed files (feed_folder.py) or the demo's own
paper (demo/paper.py). Nothing here is for the open internet.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import unquote, urlsplit

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a path holds. ``modified`` (aware) becomes Last-Modified."""

    body: bytes
    content_type: str
    modified: datetime | None = None

    @property
    def etag(self) -> str:
        """A strong validator: equal bytes, equal tag."""
        return f'"{sha256(self.body).hexdigest()[:32]}"'

    @property
    def last_modified(self) -> str | None:
        """As the header wants it."""
        if self.modified is None:
            return None
        return format_datetime(self.modified.astimezone(UTC), usegmt=True)


class Source(Protocol):
    """Whatever has documents."""

    def document(self, path: str) -> Document | None:
        """What is at a decoded, absolute path, or None."""
        ...


class LoopbackServer(ThreadingHTTPServer):
    """A threading server that asks no name server who it is."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        super().__init__((LOOPBACK, port), handler)
        self.port = int(self.socket.getsockname()[1])
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def server_bind(self) -> None:
        """Bind; http.server would look up the host's full name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up: a gatherer does so where a body is too big."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def wait(self) -> None:
        """Stay until somebody interrupts."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class OwnHandler(BaseHTTPRequestHandler):
    """Answers pages of this machine to this machine: no other name, no body longer than said."""

    protocol_version = "HTTP/1.1"
    server: LoopbackServer
    body_max = 0

    def answer(self, body: bytes) -> None:
        """Answer the request, by ``send`` or ``send_error``."""
        raise NotImplementedError

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """An answer; to a HEAD without its body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        """Answer."""
        self._guarded()

    def do_HEAD(self) -> None:
        """Answer."""
        self._guarded()

    def do_POST(self) -> None:
        """Answer."""
        self._guarded()

    def _guarded(self) -> None:
        host = self.headers.get("Host", "")
        # A page elsewhere that names itself 127.0.0.1 by DNS must not read what is here.
        if host not in {f"{name}:{self.server.port}" for name in (LOOPBACK, "localhost")}:
            self.send_error(421)
            return
        length = self.headers.get("Content-Length", "0")
        if (
            "Transfer-Encoding" in self.headers
            or not re.fullmatch("[0-9]{1,9}", length)
            or int(length) > self.body_max
        ):
            # What isn't read must not be taken for a next request.
            self.close_connection = True
            self.send_error(413)
            return
        self.answer(self.rfile.read(int(length)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Requests are not news."""


def feed_server(source: Source) -> LoopbackServer:
    """A server of a source's documents, on any free port; it runs while it is entered."""
    return LoopbackServer(_handler(source.document))


def _handler(find: Callable[[str], Document | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            document = find(unquote(urlsplit(self.path).path))
            if document is None:
                self.send_error(404)
                return
            unchanged = self._has(document)
            self.send_response(304 if unchanged else 200)
            self.send_header("ETag", document.etag)
            if document.last_modified:
                self.send_header("Last-Modified", document.last_modified)
            if not unchanged:
                self.send_header("Content-Type", document.content_type)
                self.send_header("Content-Length", str(len(document.body)))
            self.end_headers()
            if with_body and not unchanged:
                self.wfile.write(document.body)

        def _has(self, document: Document) -> bool:
            """Whether the client has this document already (RFC 9110 §13.2.2: the tag decides)."""
            if tags := self.headers.get("If-None-Match"):
                known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
                return bool(known & {document.etag, "*"})
            since = self.headers.get("If-Modified-Since")
            return since is not None and since == document.last_modified

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Requests are not news."""

    return Handler
