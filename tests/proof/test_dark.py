"""What premailer must not take away, looked at as computed style: dark mode, phones, Outlook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

import pytest

from courant.delivery.digest import Reader, join
from courant.newsletter import Look
from desk import sample_digest, sample_news
from desk.lint import colour
from desk.screenshots import scenes
from tests.proof import contrast

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from desk.browser import Window

LOOKS: tuple[Look, ...] = get_args(Look)
each_look = pytest.mark.parametrize("look", LOOKS)
each_language = pytest.mark.parametrize("language", scenes.LANGUAGES)
# As templates/digest/base.html.j2 has them for every look: light, dark.
INKS = {
    ".ink": ("rgb(27, 26, 23)", "rgb(241, 236, 226)"),
    ".muted": ("rgb(98, 93, 83)", "rgb(181, 174, 162)"),
}


def computed(page: Page, selector: str, name: str) -> set[str]:
    """The values that elements have, as the browser works them out."""
    found: list[str] = page.eval_on_selector_all(
        selector, "(all, name) => all.map((one) => getComputedStyle(one)[name])", name
    )
    return set(found)


def parsed(value: str) -> colour.Colour:
    """A colour as ``getComputedStyle`` has it."""
    found = colour.parse_colour(value)
    assert found is not None
    assert found[3] == 1  # opaque
    return found[:3]


def is_light(colour: str) -> bool:
    """Whether ``#rrggbb`` is nearer to white."""
    return sum(bytes.fromhex(colour.removeprefix("#"))) > 3 * 127


def measures(page: Page) -> list[str]:
    """What no width changes but a rule for it: of each element, as text."""
    found: list[str] = page.eval_on_selector_all(
        "body *",
        """all => all.map((one) => getComputedStyle(one)).map((style) =>
            [style.display, style.fontSize, style.padding, style.margin].join(" "))""",
    )
    return found


def test_contrast_is_measured_as_wcag_has_it(window: Window) -> None:
    page = window.show(
        """<body style="background: #fff">
        <p style="color: #777">faint</p>
        <p style="color: #767676">enough</p>
        <p style="color: #949494; font-size: 24px">large</p>
        <div style="background: #000"><p style="color: rgba(255, 255, 255, 0.4)">sheer</p></div>
        <p style="display: none; color: #eee">unseen</p>
        """
    )

    found = {each.text: round(each.ratio, 2) for each in contrast.texts(page)}

    # As WebAIM's checker says; white at 40 % on black is #666.
    assert found == {"faint": 4.48, "enough": 4.54, "large": 3.03, "sheer": 3.66}
    assert [each.split(": ")[-1] for each in contrast.too_faint(page)] == ["'faint'", "'sheer'"]


@each_look
def test_colours_follow_the_colour_scheme(window: Window, look: Look) -> None:
    page = window.show(scenes.digest("en", look).html)

    for selector, (light, _) in INKS.items():
        assert computed(page, selector, "color") == {light}
    assert all(is_light(each.ground) for each in contrast.texts(page))
    window.dress(dark=True)
    for selector, (_, dark) in INKS.items():
        assert computed(page, selector, "color") == {dark}
    assert not any(is_light(each.ground) for each in contrast.texts(page))
    assert computed(page, "body", "color-scheme") == {"light dark"}


@each_look
@each_language
def test_all_text_has_aa_contrast_in_light_and_dark(
    window: Window, look: Look, language: str
) -> None:
    page = window.show(scenes.digest(language, look).html)

    seen = contrast.texts(page)
    found = contrast.too_faint(page)
    window.dress(dark=True)
    found += [f"dark: {each}" for each in contrast.too_faint(page)]

    assert found == []
    assert len(seen) >= 30  # and not because nothing was looked at
    assert len({each.ink for each in seen}) >= 2


@each_look
@pytest.mark.parametrize("accent", ["#ffe600", "#0a0a0a", "#ffffff", "#2b6cb0"])
def test_no_accent_takes_the_contrast_away(window: Window, look: Look, accent: str) -> None:
    """Whatever colour an editor picks: only lines wear it, or text that is checked against it."""
    page = window.show(scenes.digest("en", look).html.replace("#a3271f", accent))

    found = contrast.too_faint(page)
    window.dress(dark=True)

    assert found + contrast.too_faint(page) == []


@each_look
@pytest.mark.parametrize("outlook", [False, True], ids=["media query", "outlook"])
def test_a_logo_that_is_not_shown_can_be_read_as_a_name(
    window: Window, look: Look, outlook: bool
) -> None:
    logo = "https://news.example.org/logo.png"
    plain = scenes.newsletter("en", look)
    brand = plain.brand.model_copy(update={"logo": logo})
    pressing = sample_digest.compose_all(
        plain.model_copy(update={"brand": brand}), scenes.candidates("en"), scenes.NOW
    )
    digest = join(pressing, scenes.READERS["en"], sample_digest.UNSUBSCRIBE_URL)
    assert digest is not None

    page = window.show(digest.html, dark=not outlook, images=False)
    if outlook:
        page.evaluate("document.documentElement.setAttribute('data-ogsc', '')")
        page.evaluate("document.documentElement.setAttribute('data-ogsb', '')")

    # The alt text is no text of the page, so its colours are asked for by name.
    (ink,) = computed(page, ".logo", "color")
    (ground,) = computed(page, ".logo", "backgroundColor")
    assert colour.contrast(parsed(ink), parsed(ground)) >= 4.5
    (size,) = page.eval_on_selector_all(
        ".logo", "all => all.map((one) => [one.scrollWidth, one.clientWidth, one.clientHeight])"
    )
    assert size[0] <= size[1]
    assert size[2] >= 32  # a line of the name at least


@each_look
def test_outlooks_own_dark_mode_finds_its_rules(window: Window, look: Look) -> None:
    """Outlook's apps and Outlook.com put ``data-ogsc`` and ``data-ogsb`` above what they darken."""
    page = window.show(scenes.digest("en", look).html)

    page.evaluate("document.documentElement.setAttribute('data-ogsc', '')")
    page.evaluate("document.documentElement.setAttribute('data-ogsb', '')")

    for selector, (_, dark) in INKS.items():
        assert computed(page, selector, "color") == {dark}
    assert not any(is_light(each.ground) for each in contrast.texts(page))
    assert contrast.too_faint(page) == []


@each_look
def test_a_phone_gets_its_own_rules(window: Window, look: Look) -> None:
    """The media query for narrow windows comes through premailer, and takes effect at 480 px."""
    page = window.show(scenes.digest("en", look).html, width=481)
    wide = measures(page)

    window.dress(width=480)
    narrow = measures(page)

    assert sum(a != b for a, b in zip(wide, narrow, strict=True)) >= 10
    window.dress(width=320)
    assert measures(page) == narrow


@each_look
@each_language
@pytest.mark.parametrize("images", [True, False], ids=["images", "no-images"])
def test_nothing_sticks_out(window: Window, look: Look, language: str, images: bool) -> None:
    page = window.show(scenes.digest(language, look).html, images=images)

    for width in (320, 375, 600, 1200):
        window.dress(width=width)
        seen: dict[str, Any] = page.evaluate(
            """() => ({
                scroll: document.documentElement.scrollWidth,
                // Right to left, what sticks out on the left scrolls too, or is lost.
                out: [...document.querySelectorAll("td, p, h1, h2, h3, img, a")]
                    .map((one) => [one, one.getBoundingClientRect()])
                    .filter(([, box]) => box.width && (box.left < -1 || box.right > innerWidth + 1))
                    .map(([one]) => one.outerHTML.slice(0, 160)),
            })"""
        )
        assert seen == {"scroll": width, "out": []}, f"at {width}px"
    texts = page.eval_on_selector_all(
        "h1, h2, h3, p", "all => all.map((one) => one.getBoundingClientRect().width)"
    )
    assert max(texts) <= 600  # in a wide window too


@each_look
@each_language
def test_the_direction_is_the_languages(window: Window, look: Look, language: str) -> None:
    page = window.show(scenes.digest(language, look).html)
    expected = ("rtl", "right") if language == "ar" else ("ltr", "left")

    assert page.evaluate("document.documentElement.dir") == expected[0]
    # Where the first heading of a section begins, which Outlook takes from `align` alone.
    edges = page.eval_on_selector_all(
        "h2", "all => all.map((one) => getComputedStyle(one).textAlign)"
    )
    assert set(edges) <= {expected[1], "start", f"-webkit-{expected[1]}"}


@each_look
@each_language
def test_all_lines_of_a_story_begin_at_one_side(window: Window, look: Look, language: str) -> None:
    paper = scenes.newsletter("en", look)
    news = sample_news.sample(paper, scenes.NOW)
    pressing = sample_digest.compose_all(paper, news, scenes.NOW, locales=[language])
    digest = join(pressing, Reader(locale=language), sample_digest.UNSUBSCRIBE_URL)
    assert digest is not None

    page = window.show(digest.html)
    stories: list[list[str]] = page.eval_on_selector_all(
        "h3",
        """all => all.map((head) => [...head.parentElement.querySelectorAll("h3, p")]
            .map((line) => getComputedStyle(line))
            .map((style) => [style.direction, style.textAlign.replace("-webkit-", "")])
            .map(([way, side]) => side == "start" ? {ltr: "left", rtl: "right"}[way] : side))""",
    )

    assert [each for each in stories if len(set(each)) > 1] == []
    assert {each[0] for each in stories} == {"left", "right"}


@each_look
def test_a_mail_asks_for_its_pictures_and_nothing_else(window: Window, look: Look) -> None:
    html = scenes.digest("en", look).html

    window.show(html)

    assert all(url.endswith(".jpg") for url in window.asked), window.asked
    assert window.errors == []
    assert not re.search(r"<(script|link|iframe|object|form|video|svg)\b|@import|@font-face", html)


@each_look
@each_language
def test_outlooks_comments_are_there_and_balanced(look: Look, language: str) -> None:
    html = scenes.digest(language, look).html
    parts = re.findall(r"<!--\[if ([^\]]+)\]>(.*?)<!\[endif\]-->", html, re.DOTALL)

    assert html.count("<!--") == html.count("-->") == len(parts)
    ghost = "".join(body for condition, body in parts if "mso" in condition)
    assert ghost.count("<table") == ghost.count("</table>") > 0
    assert ghost.count("<tr") == ghost.count("</tr>")
    assert ghost.count("<td>") + ghost.count("<td ") == ghost.count("</td>")
    # Seen as Outlook sees it, tables open and close in turn; the rest of the page is the same.
    seen = re.sub(r"<!--\[if ([^\]]*mso[^\]]*)\]>(.*?)<!\[endif\]-->", r"\2", html, flags=re.DOTALL)
    for tag in ("table", "tr", "td"):
        depth = 0
        for slash in re.findall(rf"<(/?){tag}[\s>]", seen):
            depth += -1 if slash else 1
            assert depth >= 0, tag
        assert depth == 0, tag
