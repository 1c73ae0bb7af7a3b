"""One conditional GET, to a server that may be slow, broken or hostile.

Never raises for what a server does: the answer is a value. Redirects are followed by hand, each
checked by guard.py; the connection goes to the checked address while ``Host`` and TLS keep the
name. What the body means is parse.py's business.
"""

from __future__ import annotations

import re
import ssl
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from urllib.parse import urljoin

from urllib3.exceptions import HTTPError, IncompleteRead, NewConnectionError, SSLError
from urllib3.response import HTTPResponse

from courant.errors import FeedError, FeedRefused, FeedUnreachable
from courant.feeds import guard
from courant.feeds.dial import Watchdog, connection_to

# The version that servers see; tests/test_feeds_fetch.py holds it to pyproject.toml.
VERSION = "0.1"

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.1"
)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GZIP = b"\x1f\x8b"
_CHUNK_BYTES = 65_536
_VALIDATOR = re.compile(r"[\x20-\x7e\xa1-\xff]{1,512}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of our time and memory one server gets, redirects included."""

    seconds: float = 15.0
    wire_bytes: int = 5 * 1024 * 1024
    decoded_bytes: int = 10 * 1024 * 1024
    redirects: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A body, unpacked, and where it came from after redirects.

    ``content_type`` is the header as sent; ``etag`` and ``last_modified`` go back next time.
    """

    body: bytes
    content_type: str
    url: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class NotModified:
    """What we have is still current (304)."""


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """No body, and why."""

    error: FeedError


FetchOutcome = Fetched | NotModified | FetchFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Asks for feeds. ``contact_url`` tells a server's owner who we are.

    ``open_ports`` are loopback ports for development; ``tls`` and ``lookup`` are for tests.
    """

    contact_url: str
    open_ports: frozenset[int] = frozenset()
    limits: Limits = field(default_factory=Limits)
    tls: ssl.SSLContext | None = None
    lookup: guard.Lookup = guard.getaddrinfo

    def fetch(
        self, url: str, *, etag: str | None = None, last_modified: str | None = None
    ) -> FetchOutcome:
        """Get a URL, or learn that it has not changed since ``etag``/``last_modified``."""
        deadline = time.monotonic() + self.limits.seconds
        conditions = {
            name: value
            for name, value in (("If-None-Match", etag), ("If-Modified-Since", last_modified))
            if value
        }
        try:
            web = guard.check_url(url, self.open_ports)
            for _ in range(self.limits.redirects + 1):
                answer = self._ask(web, conditions, deadline)
                if not isinstance(answer, guard.WebAddress):
                    return answer
                web = answer
            raise FeedUnreachable(url, f"it redirects more than {self.limits.redirects} times")
        except FeedError as error:
            return FetchFailed(error)

    def _ask(
        self, web: guard.WebAddress, conditions: dict[str, str], deadline: float
    ) -> FetchOutcome | guard.WebAddress:
        addresses = guard.resolve(web, self.open_ports, deadline - time.monotonic(), self.lookup)
        watchdog = Watchdog(deadline)
        connection = connection_to(web, addresses, watchdog, self.tls)
        try:
            connection.request(
                "GET",
                web.target,
                headers=self._headers() | conditions,
                preload_content=False,
                decode_content=False,
            )
            # Closed by hand: http.client lets go of a socket whose body ends with the connection.
            with closing(connection.getresponse()) as response:
                return self._read(web, response, conditions, deadline)
        except (FeedError, HTTPError, HTTPException, OSError, ValueError, zlib.error) as error:
            # A conversation that the watchdog ended looks broken in many ways; time is the reason.
            if time.monotonic() >= deadline:
                raise self._too_slow(web) from error
            if isinstance(error, FeedError):
                raise
            raise FeedUnreachable(web.url, _sentence(error)) from error
        finally:
            watchdog.stop()
            connection.close()

    def _too_slow(self, web: guard.WebAddress) -> FeedUnreachable:
        return FeedUnreachable(web.url, f"it took longer than {self.limits.seconds:g} seconds")

    def _headers(self) -> dict[str, str]:
        return {
            "User-Agent": f"Courant/{VERSION} (+{self.contact_url})",
            "Accept": _ACCEPT,
            "Accept-Encoding": "gzip",
            "Connection": "close",
        }

    def _read(
        self,
        web: guard.WebAddress,
        response: HTTPResponse,
        conditions: dict[str, str],
        deadline: float,
    ) -> FetchOutcome | guard.WebAddress:
        if response.status in _REDIRECTS and (location := response.headers.get("Location")):
            return self._redirected(web, location)
        if response.status == HTTPStatus.NOT_MODIFIED and conditions:
            return NotModified()
        if response.status not in {HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION}:
            raise FeedUnreachable(web.url, f"it answered {_status(response.status)}")
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip"}:
            raise FeedUnreachable(web.url, "it sent a compression that was not asked for")
        body = self._body(web, response)
        if time.monotonic() >= deadline:
            # Without a length, the end that the watchdog made looks like the real one.
            raise self._too_slow(web)
        return Fetched(
            body=body,
            content_type=response.headers.get("Content-Type", ""),
            url=web.url,
            etag=_validator(response.headers.get("ETag")),
            last_modified=_validator(response.headers.get("Last-Modified")),
        )

    def _redirected(self, web: guard.WebAddress, location: str) -> guard.WebAddress:
        # Header bytes are read as Latin-1, but servers write UTF-8 in there.
        location = location.strip().encode("latin-1", "replace").decode("utf-8", "replace")
        try:
            target = urljoin(web.url, location)
        except ValueError as error:
            raise FeedRefused(web.url, "it redirects to something that is no URL") from error
        next_web = guard.check_url(target, self.open_ports)
        if web.scheme == "https" and next_web.scheme == "http":
            raise FeedRefused(web.url, "it redirects from https to http")
        return next_web

    def _body(self, web: guard.WebAddress, response: HTTPResponse) -> bytes:
        chunks = _capped(web, response, self.limits.wire_bytes)
        first = next(chunks, b"")
        # Servers say gzip of plain bodies and nothing of packed ones; the first two bytes know.
        if not first.startswith(_GZIP):
            return b"".join([first, *chunks])
        limit = self.limits.decoded_bytes
        body = bytearray()
        inflate = zlib.decompressobj(wbits=31)
        packed = first
        while packed:
            body += inflate.decompress(packed, limit + 1 - len(body))
            if len(body) > limit:
                raise FeedUnreachable(web.url, f"it unpacks to more than {_mib(limit)}")
            if inflate.eof and inflate.unused_data.startswith(_GZIP):
                packed, inflate = inflate.unused_data, zlib.decompressobj(wbits=31)
            else:
                packed = next(chunks, b"")
        if not inflate.eof:
            raise FeedUnreachable(web.url, "its answer was cut off")
        return bytes(body)


def _capped(web: guard.WebAddress, response: HTTPResponse, limit: int) -> Iterator[bytes]:
    size = 0
    while chunk := response.read(_CHUNK_BYTES, decode_content=False):
        size += len(chunk)
        if size > limit:
            raise FeedUnreachable(web.url, f"it sent more than {_mib(limit)}")
        yield chunk


def _validator(value: str | None) -> str | None:
    return value if value and _VALIDATOR.fullmatch(value) else None


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:g} MiB"


def _sentence(error: Exception) -> str:
    match error:
        case SSLError() | ssl.SSLError():
            return "its TLS certificate or handshake is not valid"
        case NewConnectionError():
            return "it does not accept connections"
        case IncompleteRead():
            return "its answer was cut off"
        case zlib.error():
            return "its answer is not valid gzip"
        case HTTPException():
            return "its answer is not HTTP"
        case TimeoutError():
            return "it did not answer in time"
        case _:
            return "the connection broke"
