"""Chromium, to see what people see: each page alone, offline, at a width of our choosing.

Drives the machine's own Chromium (Debian's package) with playwright, which is among the
developers' tools only. A page reaches nothing but what ``serve`` hands it, whatever it asks for.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from courant.errors import ConfigurationError
from desk.feed_server import Document

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

# A mail's own width, and a phone's.
DESKTOP, PHONE = 600, 375
_HEIGHT = 800
# What distributions call it. CHROMIUM, in the environment, may name another.
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# A URL → what is there, or None.
Serve = Callable[[str], Document | None]


def find() -> str | None:
    """The Chromium of this machine, or None."""
    names = (os.environ["CHROMIUM"],) if os.environ.get("CHROMIUM") else _NAMES
    return next((path for path in map(shutil.which, names) if path), None)


@contextmanager
def opened() -> Iterator[Browser]:
    """A browser without a window, as long as the block runs.

    Raises:
        ConfigurationError: there is no Chromium, or no playwright to drive it.
    """
    path = find()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ConfigurationError("playwright is missing: `make setup` installs it") from error
    if path is None:
        raise ConfigurationError("Chromium is missing: `make tools` says how to get it")
    with sync_playwright() as playwright:
        # Its own sandbox asks for rights that containers and root don’t have, and its shared memory
        # for more than containers give. What is shown is our own, and nothing can be fetched.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """A page at a time, which can be made narrow, dark, and blind to pictures.

    ``asked`` holds every URL that pages asked for, in order; ``errors`` what the console said.
    """

    def __init__(self, browser: Browser, serve: Serve = lambda _: None) -> None:
        self._serve = serve
        self._images = True
        self.asked: list[str] = []
        self.errors: list[str] = []
        self._context: BrowserContext = browser.new_context(
            viewport={"width": DESKTOP, "height": _HEIGHT}, service_workers="block"
        )
        self._context.route("**/*", self._answer)
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda said: self._note(said.type, said.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def show(
        self, html: str, *, width: int = DESKTOP, dark: bool = False, images: bool = True
    ) -> Page:
        """The page, shown whole; with ``images`` off none is loaded, as mail programs begin."""
        self._images = images
        self.dress(width=width, dark=dark)
        # A fresh document: the one before may still hold pictures that are now to be off.
        self.page.goto("about:blank")
        self.page.set_content(html, wait_until="load")
        return self.page

    def dress(self, *, width: int = DESKTOP, dark: bool = False) -> None:
        """Another width or colour scheme for what is shown, without loading it anew."""
        self.page.set_viewport_size({"width": width, "height": _HEIGHT})
        self.page.emulate_media(color_scheme="dark" if dark else "light")

    def close(self) -> None:
        """Close it."""
        self._context.close()

    def _answer(self, route: Route) -> None:
        request = route.request
        self.asked.append(request.url)
        document = self._serve(request.url)
        if document is None or (request.resource_type == "image" and not self._images):
            route.abort()
        else:
            route.fulfill(status=200, content_type=document.content_type, body=document.body)

    def _note(self, kind: str, text: str) -> None:
        # A picture that is not loaded is no error here; pages.asked tells of it.
        if kind == "error" and "net::ERR_FAILED" not in text:
            self.errors.append(text)
