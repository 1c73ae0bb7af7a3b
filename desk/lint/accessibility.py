"""What shuts people out, as far as it shows without a browser.

Rules that axe-core has too bear its ids.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from desk.lint.css import Sheet
from desk.lint.findings import Finding, Severity, shorten
from desk.lint.page import Element, Page
from desk.lint.styles import Cascade, Colour, contrast

RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
# Words that say nothing of where a link leads, in the languages of templates/locales.
_VAGUE = frozenset(
    [
        "here",
        "click here",
        "click",
        "link",
        "this",
        "this link",
        "hier",
        "klik hier",
        "klick hier",
        "hier klicken",
        "ici",
        "cliquez ici",
        "aquí",
        "haz clic aquí",
        "clic aquí",
        "هنا",
        "اضغط هنا",
    ]
)
# WCAG: 18 pt, or 14 pt bold.
_LARGE, _LARGE_BOLD = 24.0, 18.66
_TARGET = 24.0  # WCAG 2.5.8
_SMALL, _SMALLISH = 12.0, 13.0
_AT_MOST = 5


def findings(page: Page, sheets: Sequence[Sheet]) -> Iterator[Finding]:
    """Everything of this page."""
    for check in (_document, _headings, _pictures, _links, _tables, _viewport):
        yield from check(page)
    yield from _look(page, sheets)


def _finding(rule: str, severity: Severity, message: str, at: Element | None = None) -> Finding:
    if at is None:
        return Finding(rule, severity, message)
    return Finding(rule, severity, message, at.line, shorten(at.source), (), at.column)


def _document(page: Page) -> Iterator[Finding]:
    html = page.first("html")
    language = html.get("lang").strip() if html else ""
    if not language:
        text = (
            "The page does not say its language, so it is read out in the wrong one: <html lang>."
        )
        yield _finding("html-has-lang", "error", text, html)
    for element in page.elements:
        said = element.attributes.get("lang")
        if said and not _LANGUAGE.fullmatch(said.strip()):
            rule = "html-lang-valid" if element.tag == "html" else "valid-lang"
            yield _finding(rule, "error", f"{said!r} is no language tag.", element)
    direction = html.get("dir").strip().lower() if html else ""
    right_to_left = language.lower().split("-")[0] in RIGHT_TO_LEFT
    if right_to_left and direction != "rtl":
        text = f'{language} is written right to left: <html dir="rtl">.'
        yield _finding("html-dir", "error", text, html)
    elif not direction:
        text = (
            "The page does not say its direction; a client in another language may turn it round."
        )
        yield _finding("html-dir", "warning", text, html)
    title = page.first("title")
    if title is None or not title.text:
        yield _finding("document-title", "error", "The page has no title.", title)


def _headings(page: Page) -> Iterator[Finding]:
    headings = [
        each for each in page.elements if re.fullmatch(r"h[1-6]", each.tag) and not _silent(each)
    ]
    firsts = [each for each in headings if each.tag == "h1"]
    if not firsts:
        yield _finding("page-has-heading-one", "warning", "The page has no h1.")
    for extra in firsts[1:_AT_MOST]:
        yield _finding("one-h1", "warning", "A second h1; a page has one.", extra)
    last = 0
    for heading in headings:
        level = int(heading.tag[1])
        if last and level > last + 1:
            text = f"{heading.tag} follows h{last}: a level is left out."
            yield _finding("heading-order", "warning", text, heading)
        last = level
        if not _name(heading):
            yield _finding("empty-heading", "warning", "A heading without words.", heading)


def _pictures(page: Page) -> Iterator[Finding]:
    for picture in page.named("img", "area"):
        role = picture.get("role")
        if (
            "alt" in picture.attributes
            or picture.get("aria-label")
            or role in {"presentation", "none"}
        ):
            continue
        text = 'A picture without alt: its address is read out. Say what it shows, or alt="".'
        yield _finding("image-alt" if picture.tag == "img" else "area-alt", "error", text, picture)


def _links(page: Page) -> Iterator[Finding]:
    targets: dict[str, dict[str, Element]] = {}
    for link in page.named("a"):
        if not link.get("href"):
            continue
        if _silent(link):
            if link.get("tabindex") != "-1":
                text = 'Hidden from screen readers, but the Tab key stops at it: tabindex="-1".'
                yield _finding("aria-hidden-focus", "error", text, link)
            continue
        name = _name(link)
        if not name:
            yield _finding("link-name", "error", "A link without words.", link)
            continue
        if name.casefold().strip(" .:!→»›") in _VAGUE:
            text = f"“{name}” does not say where it leads."
            yield _finding("link-text-vague", "warning", text, link)
        targets.setdefault(name.casefold(), {}).setdefault(link.get("href"), link)
    twice = [(name, list(links.values())) for name, links in targets.items() if len(links) > 1]
    if twice:
        names = ", ".join(
            f"“{shorten(links[0].text or name, 40)}”" for name, links in twice[:_AT_MOST]
        )
        text = (
            f"The same words lead to different places: {names}{', …' if twice[_AT_MOST:] else ''}."
        )
        yield _finding("identical-links-same-purpose", "note", text, twice[0][1][1])


def _tables(page: Page) -> Iterator[Finding]:
    found = [
        table
        for table in page.named("table")
        if table.get("role") not in {"presentation", "none", "table", "grid"}
        and not _has_data(table)
    ]
    if found:
        text = (
            f"{len(found)} tables of layout are read out as tables of data: "
            'role="presentation" on each.'
        )
        yield _finding("layout-table-role", "warning", text, found[0])


def _has_data(table: Element) -> bool:
    return any(isinstance(each, Element) and each.tag in {"th", "caption"} for each in table.inside)


def _viewport(page: Page) -> Iterator[Finding]:
    for meta in page.named("meta"):
        content = meta.get("content").lower().replace(" ", "")
        if meta.get("name").lower() == "viewport" and re.search(
            r"user-scalable=(no|0)|maximum-scale=(0|1)(\.|,|;|$)", content
        ):
            yield _finding(
                "meta-viewport", "error", "It keeps people from enlarging the mail.", meta
            )


def _look(page: Page, sheets: Sequence[Sheet]) -> Iterator[Finding]:
    light = Cascade(page, sheets, dark=False)
    dark = Cascade(page, sheets, dark=True)
    has_dark = any(
        "prefers-color-scheme" in query
        for sheet in sheets
        for rule in sheet.rules
        for _, query in rule.conditions
    )
    texts = [(each, words) for each in page.elements if (words := _own_words(each))]
    texts = [(each, words) for each, words in texts if not light.look(each).hidden]
    yield from _contrast(texts, light, "light")
    if has_dark:
        yield from _contrast(texts, dark, "dark")
    yield from _sizes(texts, light)
    yield from _targets(page, light)


def _contrast(texts: list[tuple[Element, str]], cascade: Cascade, name: str) -> Iterator[Finding]:
    seen: set[tuple[Colour, Colour, bool]] = set()
    for element, words in texts:
        look = cascade.look(element)
        if look.colour is None or look.background is None:
            continue
        large = look.size >= (_LARGE_BOLD if look.bold else _LARGE)
        ratio, least = contrast(look.colour, look.background), 3.0 if large else 4.5
        key = (look.colour, look.background, large)
        # A hair below the limit is what rounding of colours makes.
        if ratio >= least - 0.005 or key in seen:
            continue
        seen.add(key)
        text = (
            f"Contrast {ratio:.2f}:1 in {name}, needs {least}:1: {_hex(look.colour)} on "
            f"{_hex(look.background)}, “{shorten(words, 40)}”."
        )
        yield _finding("color-contrast", "error", text, element)


def _sizes(texts: list[tuple[Element, str]], cascade: Cascade) -> Iterator[Finding]:
    seen: set[float] = set()
    for element, words in texts:
        size = cascade.look(element).size
        if size >= _SMALLISH or size in seen:
            continue
        seen.add(size)
        severity: Severity = "warning" if size < _SMALL else "note"
        text = f"Text of {size:g}px, “{shorten(words, 40)}”: at least {_SMALLISH:g}px reads well."
        yield _finding("font-size-small", severity, text, element)


def _targets(page: Page, cascade: Cascade) -> Iterator[Finding]:
    """Links that are a line of their own, lower than a finger needs."""
    for link in page.named("a"):
        block = next(
            (each for each in link.ancestors if each.tag in {"p", "td", "li", "div"}), None
        )
        if not link.get("href") or not link.text or block is None or block.text != link.text:
            continue
        look = cascade.look(link)
        room = look.line + _vertical_room(link) + _vertical_room(block)
        if not look.hidden and room < _TARGET:
            text = f"A link of {room:g}px height; fingers need {_TARGET:g}px."
            yield _finding("target-size", "note", text, link)


def _vertical_room(element: Element) -> float:
    style = element.get("style")
    found = re.findall(r"(?:padding|margin)(?:-(?:top|bottom))?\s*:\s*(\d+)", style)
    room = sum(min(float(number), 100.0) for number in found)
    # A paragraph has margins of its own, where nobody takes them.
    return room + (16.0 if element.tag == "p" and "margin" not in style else 0.0)


def _own_words(element: Element) -> str:
    """The text directly in an element, without what is only there to fill."""
    if element.tag in {"style", "script", "title", "noscript", "#page"}:
        return ""
    text = "".join(each for each in element.children if isinstance(each, str))
    letters = [each for each in text if unicodedata.category(each)[0] in "LNPS"]
    return " ".join(text.split()) if letters else ""


def _name(element: Element) -> str:
    """What a screen reader calls it."""
    if label := element.get("aria-label").strip():
        return label
    parts: list[str] = []
    for each in element.inside:
        if isinstance(each, str):
            parts.append(each)
        elif each.tag in {"img", "area"}:
            parts.append(f" {each.get('alt')} ")
    return " ".join("".join(parts).split()) or element.get("title").strip()


def _silent(element: Element) -> bool:
    return any(each.get("aria-hidden") == "true" for each in element.ancestors)


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)
