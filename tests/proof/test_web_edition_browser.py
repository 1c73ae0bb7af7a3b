"""The web edition and the index of editions in a real browser, as the web function serves them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import boto3
import pytest

from courant.editions import web_edition
from courant.editions.archive import Archive
from courant.editions.pressing import Frozen
from courant.editions.select import choose
from courant.editions.view import Occasion
from courant.newsletters import NewsletterStore
from courant.schedule import EditionId, Slot, zone_of
from desk.screenshots import scenes
from tests.proof.site import SiteServer, Visitor, wrong

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from desk.stack import Stack


def publish(stack: Stack, language: str) -> tuple[str, str]:
    """Put this morning's edition of a language on the site; the paths of page and index."""
    newsletter = scenes.newsletter(language, "broadsheet")
    slot = Slot("daily")
    zone = zone_of(newsletter, slot)
    edition = EditionId(newsletter.id, slot.cadence, scenes.NOW.astimezone(zone).date())
    path = web_edition.path_of(edition, scenes.NOW)
    page, html = web_edition.compose_page(
        Occasion(
            newsletter=newsletter,
            day=edition.date,
            zone=zone,
            web_url=f"https://news.example.org{path}",
        ),
        choose(newsletter.sections, scenes.candidates(language), frozenset()),
        edition,
        path,
    )
    content = stack.table("content")
    NewsletterStore(content).put(newsletter, scenes.NOW)
    archive = Archive(content, lambda: boto3.client("s3"), stack.outputs()["Bucket"])
    archive.put(page, html)
    pressing = replace(scenes.pressing(language, "broadsheet"), web=page)
    archive.publish(
        Frozen(edition=edition, instant=scenes.NOW, cut_at=scenes.NOW, pressings=(pressing,))
    )
    return path, f"/e/{newsletter.id}"


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Visitor]:
    with SiteServer(stack) as server:
        visit = Visitor(browser, server.url)
        yield visit
        visit.close()


@pytest.mark.parametrize("language", scenes.LANGUAGES)
def test_the_edition_is_accessible_readable_and_fits(
    visit: Visitor, stack: Stack, language: str
) -> None:
    path, _ = publish(stack, language)

    visit.open(path)

    assert wrong(visit.page) == []
    assert visit.complaints == []  # no word of the Content-Security-Policy among them
    shown = visit.page.evaluate(
        "[...document.images].filter((one) => one.complete && one.naturalWidth).length"
    )
    assert shown >= 1
    direction = visit.page.evaluate("document.documentElement.dir")
    assert direction == ("rtl" if language == "ar" else "ltr")
    # The policy let the page's own styles through.
    assert visit.page.evaluate("getComputedStyle(document.body).marginTop") == "0px"


@pytest.mark.parametrize("language", scenes.LANGUAGES)
def test_the_index_leads_to_the_edition(visit: Visitor, stack: Stack, language: str) -> None:
    path, index = publish(stack, language)
    headline = scenes.digest(language, "broadsheet").subject

    visit.open(index)
    found = wrong(visit.page)
    visit.page.get_by_role("link", name=headline).first.click()
    visit.page.wait_for_url(visit.base + path)

    assert found == []
    assert visit.complaints == []
    assert visit.page.get_by_role("heading", name=headline).count() == 1


def test_the_links_of_an_edition_are_reached_by_keyboard(visit: Visitor, stack: Stack) -> None:
    path, _ = publish(stack, "en")
    visit.open(path)

    reached = []
    for _ in range(20):
        visit.page.keyboard.press("Tab")
        reached.append(
            visit.page.evaluate(
                "[document.activeElement.tagName, document.activeElement.textContent.trim(),"
                " getComputedStyle(document.activeElement).outlineStyle]"
            )
        )

    assert {tag for tag, _, _ in reached} == {"A"}
    assert all(text for _, text, _ in reached)  # no link without words stops anyone
    assert all(outline != "none" for _, _, outline in reached)
    assert scenes.digest("en", "broadsheet").subject in [text for _, text, _ in reached]
