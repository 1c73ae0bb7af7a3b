"""Serves the mailbox page and the mails, on loopback only.

In the mails stands the site of production; what is shown has this server's address in its place,
so that a link in a mail leads to the stack's own ``web`` function. The .eml stays as it was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from desk.feed_server import LoopbackServer, OwnHandler, Source
from desk.mailbox.mails import SentMail
from desk.stack import Response

# A strangers' page: no script, no form, nothing of ours in its reach; links open elsewhere.
_MAIL_POLICY = (
    "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_PAGE_POLICY = (
    "default-src 'none'; connect-src 'self'; frame-src 'self'; img-src 'self' data:; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_HTML = "text/html; charset=utf-8"
_BODY_MAX = 65_536

Ask = Callable[[str, str, Mapping[str, str], bytes], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """What the server shows. ``editions``: a mail's edition tag → the edition's id. ``ask``:
    method, path, headers and body to the readers' site."""

    mails: Sequence[SentMail]
    summary: Mapping[str, Any]
    editions: Mapping[str, str]
    site_url: str
    zone: tzinfo
    ask: Ask
    paper: Source | None = None
    _by_id: dict[str, SentMail] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_id.update({mail.id: mail for mail in self.mails})

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, here: str
    ) -> Response:
        """One request. ``here`` is this server's address."""
        if path.startswith(("/u/", "/c/")):
            return self.ask(method, path, headers, body)
        if path.startswith("/e/"):
            return self._edition(method, path, headers, here)
        if method not in {"GET", "HEAD"}:
            return Response(405, {"allow": "GET, HEAD"}, b"")
        if path == "/":
            return _shown(self._page(), _HTML, _PAGE_POLICY)
        if path.startswith("/mail/"):
            return self._mail(path.removeprefix("/mail/"), here)
        if self.paper and (document := self.paper.document(path)):
            return Response(200, {"content-type": document.content_type}, document.body)
        return Response(404, {"content-type": "text/plain"}, b"There is no such page.\n")

    def _mail(self, name: str, here: str) -> Response:
        id_, _, kind = name.partition(".")
        mail = self._by_id.get(id_)
        if mail is None:
            return Response(404, {"content-type": "text/plain"}, b"There is no such mail.\n")
        match kind:
            case "html" if mail.html is not None:
                page = mail.html.replace("<head>", '<head><base target="_blank">', 1)
                return _shown(self._local(page, here), _HTML, _MAIL_POLICY)
            case "html":
                page = f'<!DOCTYPE html><meta charset="utf-8"><pre>{escape(mail.text)}</pre>'
                return _shown(self._local(page, here), _HTML, _MAIL_POLICY)
            case "txt":
                return _shown(self._local(mail.text, here), "text/plain; charset=utf-8", None)
            case "eml":
                name = f'attachment; filename="{mail.name}.eml"'
                headers = {"content-type": "message/rfc822", "content-disposition": name}
                return Response(200, headers, mail.raw)
            case _:
                return Response(404, {"content-type": "text/plain"}, b"There is no such form.\n")

    def _edition(self, method: str, path: str, headers: Mapping[str, str], here: str) -> Response:
        # Not packed, so that the site's address in it can be replaced.
        plain = {
            name: value for name, value in headers.items() if name.lower() != "accept-encoding"
        }
        response = self.ask(method, path, plain, b"")
        body = self._local(response.text, here).encode()
        return Response(response.status, response.headers, body)

    def _local(self, text: str, here: str) -> str:
        return text.replace(self.site_url + "/", here + "/")

    def _page(self) -> str:
        return _PAGE.get_template("index.html.j2").render(
            summary=self.summary, mails=[self._listed(mail) for mail in self.mails]
        )

    def _listed(self, mail: SentMail) -> dict[str, str]:
        return {
            "id": mail.id,
            "subject": mail.subject,
            "sender": mail.sender,
            "recipient": mail.recipient,
            "date": mail.date.astimezone(self.zone).strftime("%-d %b, %H:%M"),
            "edition": self.editions.get(mail.edition, mail.edition),
            "preheader": mail.preheader,
            "html_url": f"/mail/{mail.id}.html",
            "text_url": f"/mail/{mail.id}.txt",
            "eml_url": f"/mail/{mail.id}.eml",
        }


_PAGE = Environment(
    loader=FileSystemLoader(Path(__file__).resolve().parent),
    autoescape=True,
    undefined=StrictUndefined,
)


class MailboxServer(LoopbackServer):
    """Shows nothing until it is given a ``mailbox``; its address is known before."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(_Handler, port)
        self.mailbox: Mailbox | None = None


class _Handler(OwnHandler):
    server: MailboxServer
    body_max = _BODY_MAX

    def answer(self, body: bytes) -> None:
        if self.server.mailbox is None:
            self.send_error(503)
            return
        path, headers = urlsplit(self.path).path, dict(self.headers.items())
        response = self.server.mailbox.answer(self.command, path, headers, body, self.server.url)
        self.send(response.status, response.headers, response.body)


def _shown(text: str, content_type: str, policy: str | None) -> Response:
    headers = {
        "content-type": content_type,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    if policy:
        headers["content-security-policy"] = policy
    return Response(200, headers, text.encode())
