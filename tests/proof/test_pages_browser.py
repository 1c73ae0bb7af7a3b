"""The readers' pages in a real browser, under the policy that the web function sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from courant.newsletters import NewsletterStore
from courant.subscribers.model import Status
from tests.proof.site import SiteServer, Visitor, wrong
from tests.test_web import MORNING, Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from desk.stack import Stack
    from tests.conftest import HandClock

# Pages about a newsletter, in its language and with a button; and the others.
ABOUT = ("unsubscribe", "sample", "confirm")
PAGES = (*ABOUT, "invalid", "missing")
LANGUAGES = {"en": "ltr", "ar": "rtl"}


class Ada(Visitor):
    """A reader at the site."""

    def __init__(self, browser: Browser, base: str, stack: Stack, clock: HandClock) -> None:
        super().__init__(browser, base)
        self.stack, self.clock = stack, clock

    def at(self, name: str, language: str = "en") -> Site:
        """Open a page that is hers."""
        site = Site(self.stack, self.clock, Status.PENDING if name == "confirm" else Status.ACTIVE)
        here = MORNING.model_copy(update={"language": language})
        NewsletterStore(self.stack.table("content")).put(here, self.clock())
        paths = {
            "unsubscribe": site.leave(),
            "sample": site.links.sample("morning"),
            "confirm": site.confirm(),
            "invalid": "/u/nonsense",
            "missing": "/nowhere",
        }
        self.open(paths[name])
        return site


@pytest.fixture
def ada(browser: Browser, stack: Stack, clock: HandClock) -> Iterator[Ada]:
    with SiteServer(stack) as server:
        ada = Ada(browser, server.url, stack, clock)
        yield ada
        ada.close()


def test_the_button_unsubscribes_and_says_so(ada: Ada) -> None:
    site = ada.at("unsubscribe")
    assert site.status() is Status.ACTIVE

    ada.page.get_by_role("button").click()

    assert site.status() is Status.UNSUBSCRIBED
    assert "Morning <Courant>" in ada.page.locator("main").inner_text()
    assert ada.page.get_by_role("button").count() == 0
    assert ada.complaints == []


def test_the_button_is_reached_and_pressed_by_keyboard(ada: Ada) -> None:
    site = ada.at("unsubscribe")

    ada.page.keyboard.press("Tab")
    button = ada.page.get_by_role("button")
    outline = button.evaluate(
        "it => [document.activeElement === it, getComputedStyle(it).outlineStyle]"
    )
    with ada.page.expect_navigation():
        ada.page.keyboard.press("Enter")

    assert outline == [True, "solid"]
    assert site.status() is Status.UNSUBSCRIBED


def test_a_confirmation_is_one_press(ada: Ada) -> None:
    site = ada.at("confirm")
    assert site.status() is Status.PENDING

    ada.page.get_by_role("button").click()

    assert site.status() is Status.ACTIVE
    assert ada.complaints == []


def test_going_back_after_pressing_is_harmless(ada: Ada) -> None:
    site = ada.at("unsubscribe")

    with ada.page.expect_navigation():
        ada.page.get_by_role("button").click()
    ada.page.go_back()

    assert site.status() is Status.UNSUBSCRIBED
    # The page is asked for anew, and says that nothing is left to do.
    assert ada.page.get_by_role("button").count() == 0
    assert ada.page.get_by_role("heading", level=1).count() == 1
    assert ada.complaints == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_pages_are_accessible_readable_and_fit(ada: Ada, name: str, language: str) -> None:
    ada.at(name, language)

    found = wrong(ada.page)
    if name in ABOUT:
        assert ada.page.evaluate("document.documentElement.dir") == LANGUAGES[language]
        with ada.page.expect_navigation():
            ada.page.get_by_role("button").click()
        found += wrong(ada.page)
        assert ada.page.evaluate("document.documentElement.dir") == LANGUAGES[language]

    assert found == []
    # Chromium's console tells of a 404, and must tell of nothing else.
    assert len(ada.complaints) == (name not in ABOUT), ada.complaints
