"""One browser a worker; a fresh window a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from desk import browser as browsers
from desk.browser import Window
from desk.demo.paper import picture_at
from tests.proof import tools

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, shared by the tests of a worker."""
    tools.chromium()
    with browsers.opened() as browser:
        yield browser


@pytest.fixture
def window(browser: Browser) -> Iterator[Window]:
    """A window that reaches nothing but the sample pictures."""
    window = Window(browser, picture_at)
    yield window
    window.close()
