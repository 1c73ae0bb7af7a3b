"""axe-core in Chromium over every look, in both directions, light and dark: nothing is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import pytest

from courant.newsletter import Look
from desk.screenshots import scenes
from tests.proof import axe

if TYPE_CHECKING:
    from desk.browser import Window

LOOKS: tuple[Look, ...] = get_args(Look)
# A verdict without these would be about an empty page. axe.py says which two are left out, and why.
TELLING = {
    "color-contrast",
    "document-title",
    "heading-order",
    "html-has-lang",
    "landmark-one-main",
    "link-name",
    "page-has-heading-one",
    "region",
    "valid-lang",
}


@pytest.mark.parametrize("language", scenes.LANGUAGES)
@pytest.mark.parametrize("look", LOOKS)
def test_a_digest_is_accessible(window: Window, look: Look, language: str) -> None:
    page = window.show(scenes.digest(language, look).html)
    for dark in (False, True):
        window.dress(dark=dark)

        verdict = axe.verdict(page)

        assert [str(each) for each in verdict.of_a_mail()] == [], "dark" if dark else "light"
        # axe-core takes Arabic for signs without contrast; test_dark.py measures all text itself.
        assert verdict.applied >= TELLING - ({"color-contrast"} if language == "ar" else set())


def test_axe_would_see_what_is_wrong(window: Window) -> None:
    html = scenes.digest("en", "cards").html
    broken = re.sub(r"(<a [^>]*>)[^<]+</a>", r"\1</a>", html.replace("<h1", "<h4", 1), count=1)
    broken = re.sub(r'( lang="en[^"]*"|#625d53)', "", broken)

    found = {each.rule for each in axe.verdict(window.show(broken)).of_a_mail()}

    assert {"html-has-lang", "link-name", "page-has-heading-one"} <= found
