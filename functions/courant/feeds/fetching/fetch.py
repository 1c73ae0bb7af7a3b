"""One conditional GET, to a server that may be slow, broken or hostile.

Never raises for what a server does: the answer is a value. Redirects are followed by hand, each
checked by guard.py; the connection goes to the checked address while ``Host`` and TLS keep the
name. Cookies are neither kept nor sent. What the body means is parse.py's business.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin

from courant.errors import FeedError, FeedRefused, FeedUnreachable
from courant.feeds.fetching import guard
from courant.feeds.fetching.dial import dial
from courant.feeds.fetching.http_answer import Answer, BadAnswer
from courant.feeds.fetching.resolve import Lookup, Resolver, getaddrinfo
from courant.feeds.fetching.unpack import ENCODINGS, unpack

# The version that servers see; tests/test_feeds_fetch.py holds it to pyproject.toml.
VERSION = "0.1"

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.1"
)
_OK = frozenset({HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION})
_PERMANENT = frozenset({301, 308})
_REDIRECTS = _PERMANENT | {302, 303, 307}
# No more of a header is handed on: what is told ends in tables.
_HEADER_CHARS = 500
_VALIDATOR = re.compile(r"[\x20-\x7e\xa1-\xff]{1,512}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of our time and memory one server gets, redirects included."""

    seconds: float = 15.0
    wire_bytes: int = 5 * 1024 * 1024
    decoded_bytes: int = 10 * 1024 * 1024
    redirects: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an answer's headers say about coming again; as sent, "" where absent.

    ``moved_to`` is where permanent redirects (301, 308) alone led from the asked URL; None if none
    did, and it ends before the first that was not permanent.
    """

    retry_after: str = ""
    cache_control: str = ""
    expires: str = ""
    date: str = ""
    age: str = ""
    moved_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A body, unpacked, and where it came from after redirects.

    ``content_type`` is the header as sent; ``etag`` and ``last_modified`` go back next time, with
    ``url`` as the address that they are for.
    """

    body: bytes
    content_type: str
    url: str
    etag: str | None = None
    last_modified: str | None = None
    told: Told = Told()


@dataclass(frozen=True, slots=True)
class NotModified:
    """What we have is still current (304)."""

    told: Told = Told()


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """No body, and why. ``status`` is that of the last server asked, None if it gave none.

    ``redirected`` says that a redirect for now (302, 303, 307) led there: what that server says, it
    does not say of the feed.
    """

    error: FeedError
    status: int | None = None
    told: Told = Told()
    redirected: bool = False


FetchOutcome = Fetched | NotModified | FetchFailed


class Fetcher:
    """Asks for feeds. ``contact_url`` tells a server's owner who we are. Thread-safe.

    ``open_ports`` are loopback ports for development; ``tls`` and ``lookup`` are for tests.
    """

    def __init__(
        self,
        *,
        contact_url: str,
        open_ports: frozenset[int] = frozenset(),
        limits: Limits = Limits(),
        tls: ssl.SSLContext | None = None,
        lookup: Lookup = getaddrinfo,
    ) -> None:
        self._open_ports = open_ports
        self._limits = limits
        self._tls = tls
        self._resolver = Resolver(open_ports, lookup)
        self._headers = (
            f"User-Agent: Courant/{VERSION} (+{contact_url})\r\n"
            f"Accept: {_ACCEPT}\r\n"
            "Accept-Encoding: gzip\r\n"
            "Connection: close\r\n"
        ).encode("ascii")

    def fetch(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        validated_url: str | None = None,
    ) -> FetchOutcome:
        """Get a URL, or learn that it has not changed since ``etag``/``last_modified``.

        ``validated_url`` is where these came from, `Fetched.url`, if it was not ``url``. They are
        sent to that address only: a tag may mean nothing elsewhere, but a date does, and another
        document, older than ours, would be called unchanged (RFC 9110 §15.4).
        """
        visit = _Visit(time.monotonic() + self._limits.seconds)
        conditions = "".join(
            f"{name}: {value}\r\n"
            for name, value in (("If-None-Match", etag), ("If-Modified-Since", last_modified))
            if value and _VALIDATOR.fullmatch(value)
        ).encode("latin-1")
        try:
            web = guard.check_url(url, self._open_ports)
            condition = (validated_url or web.url, conditions)
            for _ in range(self._limits.redirects + 1):
                answer = self._ask(web, condition, visit)
                if not isinstance(answer, guard.WebAddress):
                    return answer
                web = answer
            raise FeedUnreachable(url, f"it redirects more than {self._limits.redirects} times")
        except FeedError as error:
            redirected = not visit.only_permanent
            return FetchFailed(error, visit.status, visit.told(), redirected)

    def _ask(
        self, web: guard.WebAddress, condition: tuple[str, bytes], visit: _Visit
    ) -> FetchOutcome | guard.WebAddress:
        validated_url, conditions = condition
        if web.url != validated_url:
            conditions = b""
        visit.asking(conditional=bool(conditions))
        start = f"GET {web.target} HTTP/1.1\r\nHost: {web.authority}\r\n".encode("ascii")
        request = start + self._headers + conditions + b"\r\n"
        try:
            try:
                addresses = self._resolver.resolve(web, visit.deadline - time.monotonic())
                connected = dial(web, addresses, visit.deadline, self._tls)
            except FeedUnreachable:
                self._resolver.forget(web)
                raise
            with connected:
                answer = Answer(connected, request, visit.deadline)
                visit.answered(web, answer)
                return self._read(web, answer, visit)
        except TimeoutError as error:
            reason = f"it took longer than {self._limits.seconds:g} seconds"
            raise FeedUnreachable(web.url, reason) from error
        except BadAnswer as error:
            raise FeedUnreachable(web.url, str(error)) from error
        except OSError as error:
            raise FeedUnreachable(web.url, "the connection broke") from error

    def _read(
        self, web: guard.WebAddress, answer: Answer, visit: _Visit
    ) -> FetchOutcome | guard.WebAddress:
        headers = answer.headers
        if answer.status in _REDIRECTS and (location := headers.get("location")):
            target = self._redirected(web, location)
            visit.redirected(permanent=answer.status in _PERMANENT)
            return target
        if answer.status == HTTPStatus.NOT_MODIFIED and visit.conditional:
            return NotModified(visit.told())
        if answer.status not in _OK:
            raise FeedUnreachable(web.url, f"it answered {_status(answer.status)}")
        encoding = headers.get("content-encoding", "").lower()
        if encoding not in ENCODINGS:
            raise FeedUnreachable(web.url, "it sent a compression that was not asked for")
        pieces = answer.body(self._limits.wire_bytes)
        return Fetched(
            body=unpack(pieces, encoding, self._limits.decoded_bytes),
            content_type=headers.get("content-type", "")[:_HEADER_CHARS],
            url=web.url,
            etag=_validator(headers.get("etag")),
            last_modified=_validator(headers.get("last-modified")),
            told=visit.told(),
        )

    def _redirected(self, web: guard.WebAddress, location: str) -> guard.WebAddress:
        # Header bytes are read as Latin-1, but servers write UTF-8 in there, and spaces.
        location = location.encode("latin-1", "replace").decode("utf-8", "replace")
        location = location.replace(" ", "%20")
        try:
            target = urljoin(web.url, location)
        except ValueError as error:
            raise FeedRefused(web.url, "it redirects to something that is no URL") from error
        next_web = guard.check_url(target, self._open_ports)
        if web.scheme == "https" and next_web.scheme == "http":
            raise FeedRefused(web.url, "it redirects from https to http")
        return next_web


class _Visit:
    """What one fetch has met so far, however it ends."""

    __slots__ = (
        "_headers",
        "_moved_to",
        "_moves",
        "conditional",
        "deadline",
        "only_permanent",
        "status",
    )

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.asking(conditional=False)
        self._moves = 0
        self.only_permanent = True
        self._moved_to: str | None = None

    def asking(self, *, conditional: bool) -> None:
        self.conditional = conditional
        self.status: int | None = None
        self._headers: Mapping[str, str] = {}

    def answered(self, web: guard.WebAddress, answer: Answer) -> None:
        self.status, self._headers = answer.status, answer.headers
        # Only now: a move to where nobody answers is none.
        if self._moves and self.only_permanent:
            self._moved_to = web.url

    def redirected(self, *, permanent: bool) -> None:
        self._moves += 1
        self.only_permanent &= permanent

    def told(self) -> Told:
        def said(name: str) -> str:
            return self._headers.get(name, "")[:_HEADER_CHARS]

        return Told(
            retry_after=said("retry-after"),
            cache_control=said("cache-control"),
            expires=said("expires"),
            date=said("date"),
            age=said("age"),
            moved_to=self._moved_to,
        )


def _validator(value: str | None) -> str | None:
    return value if value and _VALIDATOR.fullmatch(value) else None


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)
