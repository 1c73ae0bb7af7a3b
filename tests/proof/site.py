"""The readers' site of a stack, on loopback, and a visitor to it with a real browser."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from desk.demo.paper import picture_at
from desk.feed_server import LoopbackServer
from desk.stack import Stack
from tests.proof import axe, contrast

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

WIDTHS = (320, 375, 600, 1200)


class SiteServer(LoopbackServer):
    """Hands every request to the stack's ``web`` function, and its answer back as it is."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(_Handler)
        self.stack = stack


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SiteServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        response = self.server.stack.request(
            self.command, self.path, headers=dict(self.headers.items()), body=body
        )
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Requests are not news."""


class Visitor:
    """Somebody at the site, who reaches nothing else but the sample pictures.

    ``complaints`` is all that the console says, violations of the page's policy among it.
    """

    def __init__(self, browser: Browser, base: str) -> None:
        self.base = base
        self.complaints: list[str] = []
        self._context = browser.new_context()
        self._context.route("**/*", self._elsewhere)
        self._context.route(f"{base}/**", lambda route: route.continue_())
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> None:
        """Open a page of the site."""
        self.page.goto(self.base + path)

    def close(self) -> None:
        """Close the browser's window."""
        self._context.close()

    def _elsewhere(self, route: Route) -> None:
        found = picture_at(route.request.url)
        if found is None:
            self.complaints.append(f"asked for {route.request.url}")
            route.abort()
        else:
            route.fulfill(body=found.body, content_type=found.content_type)


def wrong(page: Page) -> list[str]:
    """What axe-core and we find in a page, in light and dark, narrow and wide."""
    found: list[str] = []
    for dark in (False, True):
        page.emulate_media(color_scheme="dark" if dark else "light")
        verdict = axe.verdict(page)
        assert {"html-has-lang", "document-title", "landmark-one-main"} <= verdict.applied
        found += map(str, (*verdict.violations, *verdict.unsure))
        found += contrast.too_faint(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            found.append(f"{wide}px wide in a window of {width}px")
    return found
