"""Answers the preview's page, on loopback only: GET shows, the one POST reads the feeds again."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from courant.errors import ConfigurationError
from desk.feed_server import Document, LoopbackServer, OwnHandler
from desk.lint.findings import Finding
from desk.preview import dressing, report
from desk.preview.choice import Choice
from desk.preview.draft import Draft, Shown

# Strangers' words: no script, no form, nothing of ours in its reach; links open elsewhere.
_FRAME_POLICY = (
    "default-src 'none'; img-src {images}; style-src 'unsafe-inline'; base-uri 'none'; "
    "sandbox allow-same-origin allow-popups-to-escape-sandbox; frame-ancestors 'self'"
)
_PAGE_POLICY = (
    "default-src 'none'; connect-src 'self'; frame-src 'self'; img-src 'self' data:; "
    "script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HERE = Path(__file__).resolve().parent
_HTML, _TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"
_FILES = {"/page.css": "text/css; charset=utf-8", "/page.js": "text/javascript; charset=utf-8"}
_TOKEN_HEADER = "x-courant-token"  # noqa: S105 - a header's name
# A page that hears nothing for this long may think that nobody is there any more.
_BEAT = 10.0

Check = Callable[[Shown], tuple[Finding, ...]]
Find = Callable[[str], Document | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Preview:
    """What the server answers from.

    ``check`` is the linter; ``documents`` finds pictures and articles that have no server of their
    own, at the paths that ``moved`` (address → path) gives them.
    """

    draft: Draft
    check: Check
    documents: Find
    moved: Mapping[str, str] = field(default_factory=dict)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def answer(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        """One request. ``headers``' names are lower case."""
        parts = urlsplit(target)
        if method == "POST":
            return self._post(parts.path, headers)
        if method not in {"GET", "HEAD"}:
            return Answer(405, {"allow": "GET, HEAD, POST"}, b"")
        if parts.path == "/":
            return _shown(self._page(), _HTML, _PAGE_POLICY)
        if kind := _FILES.get(parts.path):
            return _shown((_HERE / parts.path[1:]).read_text("utf-8"), kind)
        if document := self.documents(unquote(parts.path)):
            return Answer(200, {"content-type": document.content_type}, document.body)
        choice = self.draft.parse(parts.query)
        match parts.path:
            case "/state.json":
                return self._state(choice)
            case "/findings.json":
                return _json(report.findings(self.check(self.draft.show(choice))))
            case "/digest.html":
                return self._frame(choice)
            case "/digest.txt":
                shown = self.draft.show(choice).digest
                return _shown(shown.text if shown else "", _TEXT)
            case "/source.txt":
                shown = self.draft.show(choice).digest
                return _shown(shown.html if shown else "", _TEXT)
            case "/mail.txt":
                return _shown(self.draft.show(choice).raw.decode("utf-8", "replace"), _TEXT)
            case "/mail.eml":
                kept = 'attachment; filename="digest.eml"'
                headers = {"content-type": "message/rfc822", "content-disposition": kept}
                return Answer(200, headers, self.draft.show(choice).raw)
            case "/web.html":
                return self._web(choice)
            case _:
                return Answer(404, {"content-type": _TEXT}, b"There is no such page.\n")

    def _post(self, path: str, headers: Mapping[str, str]) -> Answer:
        # A page elsewhere can't know the token, nor send this header without asking first.
        given = headers.get(_TOKEN_HEADER, "").encode("utf-8", "replace")
        if not secrets.compare_digest(given, self.token.encode()):
            return Answer(403, {"content-type": _TEXT}, b"Only the page itself may ask this.\n")
        if path != "/feeds":
            return Answer(404, {"content-type": _TEXT}, b"There is nothing to do here.\n")
        try:
            self.draft.read_feeds(anew=True)
        except ConfigurationError as error:
            return Answer(409, {"content-type": _TEXT}, str(error).encode())
        return Answer(204, {}, b"")

    def _page(self) -> str:
        return _PAGE.get_template("page.html.j2").render(
            newsletter=self.draft.newsletter, file=str(self.draft.file), token=self.token
        )

    def _state(self, choice: Choice) -> Answer:
        draft = self.draft
        # Taken first: what changes while this is put together is asked for again.
        version, reading = draft.version, draft.reading
        shown = draft.show(choice)
        whole = report.state(shown, choice, version, reading)
        whole["options"] = report.options(draft.readers, draft.locales)
        return _json(whole)

    def _frame(self, choice: Choice) -> Answer:
        shown = self.draft.show(choice)
        if shown.digest is None:
            page = dressing.plain_page("", "ltr")
        elif shown.sample.text_only:
            page = dressing.plain_page(shown.digest.text, "auto")
        else:
            page = dressing.at_home(shown.digest.html, self.moved)
        return _framed(page, choice)

    def _web(self, choice: Choice) -> Answer:
        return _framed(dressing.at_home(self.draft.web_page(), self.moved), choice)


_PAGE = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)


class PreviewServer(LoopbackServer):
    """Shows nothing until it is given a ``preview``; its address is known before."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(_Handler, port)
        self.preview: Preview | None = None
        self.ended = threading.Event()

    def __exit__(self, *how: Any) -> None:
        self.ended.set()
        super().__exit__(*how)


class _Handler(OwnHandler):
    server: PreviewServer

    def answer(self, body: bytes) -> None:
        del body  # there is none
        preview = self.server.preview
        if preview is None:
            self.send_error(503)
            return
        if self.path == "/changes" and self.command == "GET":
            self._tell_changes(preview.draft)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = preview.answer(self.command, self.path, headers)
        self.send(answer.status, answer.headers, answer.body)

    def _tell_changes(self, draft: Draft) -> None:
        """Server-sent events: the version, and again each time that it is another."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        version = draft.version
        while not self.server.ended.is_set():
            self.wfile.write(f"data: {version}\n\n".encode())
            version = draft.wait(version, _BEAT)


def _shown(text: str, content_type: str, policy: str = "default-src 'none'") -> Answer:
    headers = {
        "content-type": content_type,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "content-security-policy": policy,
    }
    return Answer(200, headers, text.encode())


def _framed(page: str, choice: Choice) -> Answer:
    page = dressing.dress(page, choice.scheme, images=choice.images)
    images = "http: https: data:" if choice.images else "data:"
    return _shown(page, _HTML, _FRAME_POLICY.format(images=images))


def _json(value: object) -> Answer:
    return _shown(json.dumps(value, ensure_ascii=False), "application/json")
