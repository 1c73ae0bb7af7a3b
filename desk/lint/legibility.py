"""What is hard to read or to hit: contrast in light and in dark, small text, low links."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from desk.lint.colour import Colour, contrast, hexadecimal
from desk.lint.css import Sheet
from desk.lint.findings import Finding, Severity, at, shorten
from desk.lint.page import Element, Page
from desk.lint.styles import Cascade

# WCAG: 18 pt, or 14 pt bold.
_LARGE, _LARGE_BOLD = 24.0, 18.66
_TARGET = 24.0  # WCAG 2.5.8
_SMALL, _SMALLISH = 12.0, 13.0


def findings(page: Page, sheets: Sequence[Sheet]) -> Iterator[Finding]:
    """Everything of this page."""
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
            f"Contrast {ratio:.2f}:1 in {name}, needs {least}:1: {hexadecimal(look.colour)} on "
            f"{hexadecimal(look.background)}, “{shorten(words, 40)}”."
        )
        yield at("color-contrast", "error", text, element)


def _sizes(texts: list[tuple[Element, str]], cascade: Cascade) -> Iterator[Finding]:
    seen: set[float] = set()
    for element, words in texts:
        size = cascade.look(element).size
        if size >= _SMALLISH or size in seen:
            continue
        seen.add(size)
        severity: Severity = "warning" if size < _SMALL else "note"
        text = f"Text of {size:g}px, “{shorten(words, 40)}”: at least {_SMALLISH:g}px reads well."
        yield at("font-size-small", severity, text, element)


def _targets(page: Page, cascade: Cascade) -> Iterator[Finding]:
    """Links that are a line of their own, lower than a finger needs."""
    words: dict[int, str] = {}  # of a block, which may hold many links
    for link in page.named("a"):
        block = next(
            (each for each in link.ancestors if each.tag in {"p", "td", "li", "div"}), None
        )
        if not link.get("href") or block is None or not (text := link.text):
            continue
        if id(block) not in words:
            words[id(block)] = block.text
        if words[id(block)] != text:
            continue
        look = cascade.look(link)
        room = look.line + _vertical_room(link) + _vertical_room(block)
        if not look.hidden and room < _TARGET:
            told = f"A link of {room:g}px height; fingers need {_TARGET:g}px."
            yield at("target-size", "note", told, link)


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
