"""What a style comes to for one element: the cascade of tags, classes, ids and inline styles.

Only what contrast and sizes need: colours, backgrounds, font size and weight, line height, display,
in light or in dark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import tinycss2

from desk.lint import css, selectors
from desk.lint.colour import BLACK, WHITE, Colour, over, parse_colour
from desk.lint.css import Declaration, Sheet
from desk.lint.page import Element, Page
from desk.lint.selectors import Selector

# Chromium's canvas and text where a page says color-scheme:dark and nothing more.
_DARK_CANVAS: Colour = (0x12 / 255, 0x12 / 255, 0x12 / 255)
_LINK: Colour = (0.0, 0.0, 0xEE / 255)
_WANTED = frozenset(
    [
        "color",
        "background",
        "background-color",
        "background-image",
        "font",
        "font-size",
        "font-weight",
        "line-height",
        "display",
        "visibility",
        "padding",
        "padding-top",
        "padding-bottom",
    ]
)
_HEADINGS = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h4": 1.0, "h5": 0.83, "h6": 0.67}
_BOLD = frozenset({"b", "strong", "th", *_HEADINGS})
_KEYWORDS = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0,
             "x-large": 24.0, "xx-large": 32.0}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """How an element's own text is drawn. Sizes in px; a colour that nobody can say is None."""

    colour: Colour | None
    background: Colour | None
    size: float
    line: float
    bold: bool
    hidden: bool


class Cascade:
    """The looks of a page's elements, in light or in dark."""

    def __init__(self, page: Page, sheets: Sequence[Sheet], *, dark: bool) -> None:
        self._dark = dark
        self._rules = list(enumerate(_rules(sheets, dark=dark)))
        # By the last part of the selector, so that an element is held against few of them.
        self._by_word: dict[str, list[int]] = {}
        for number, (selector, _) in self._rules:
            tag, classes, id_ = selector.parts[-1]
            self._by_word.setdefault(
                f"#{id_}" if id_ else f".{min(classes)}" if classes else tag, []
            ).append(number)
        self._known: dict[int, Look] = {}
        scheme = "light" if not dark else _scheme(page, sheets)
        self._canvas = (_DARK_CANVAS, WHITE) if "dark" in scheme else (WHITE, BLACK)

    def look(self, element: Element) -> Look:
        """How the element's text is drawn."""
        above: list[Element] = []
        for each in element.ancestors:
            if id(each) in self._known:
                break
            above.append(each)
        for each in reversed(above):
            parent = each.parent
            look = self._known[id(parent)] if parent else self._root()
            self._known[id(each)] = self._of(each, look) if parent else look
        return self._known[id(element)]

    def _root(self) -> Look:
        background, colour = self._canvas
        return Look(colour, background, 16.0, 19.2, bold=False, hidden=False)

    def _of(self, element: Element, parent: Look) -> Look:
        values = self._values(element)
        size = _size(values.get("font-size"), parent.size * _HEADINGS.get(element.tag, 1.0), parent)
        line = _line(values.get("line-height"), size, parent)
        weight = values.get("font-weight", "")
        bold = element.tag in _BOLD or parent.bold
        if weight:
            bold = weight in {"bold", "bolder"} or (weight.isdigit() and int(weight) >= 600)
        return Look(
            self._colour(element, values, parent),
            _background(element, values, parent.background),
            size,
            line,
            bold,
            parent.hidden
            or "none" in values.get("display", "")
            or values.get("visibility") == "hidden"
            or "mso-hide" in element.get("style"),
        )

    def _colour(self, element: Element, values: dict[str, str], parent: Look) -> Colour | None:
        said = values.get("color") or (element.get("color") if element.tag == "font" else "")
        if said and said != "inherit":
            mixed = parse_colour(said)
            return over(mixed, parent.background) if mixed else None
        if element.tag == "a" and element.get("href") and not said:
            return None if self._dark else _LINK
        return parent.colour

    def _values(self, element: Element) -> dict[str, str]:
        found: list[tuple[bool, tuple[int, int, int, int], int, Declaration]] = []
        words = [
            "",
            element.tag,
            f"#{element.get('id')}",
            *(f".{each}" for each in element.classes),
        ]
        for number in (number for word in words for number in self._by_word.get(word, ())):
            selector, declarations = self._rules[number][1]
            if selectors.matches(selector, element):
                found += [
                    (each.important, (0, *selector.weight), number, each) for each in declarations
                ]
        found += [
            (each.important, (1, 0, 0, 0), 0, each)
            for each in css.inline(element)
            if each.name in _WANTED
        ]
        values: dict[str, str] = {}
        for _, _, _, each in sorted(found, key=lambda item: item[:3]):
            values[each.name] = each.value.lower()
            # A later shorthand takes the place of what it stands for.
            if each.name == "background":
                values.pop("background-color", None)
        return values


def _background(element: Element, values: dict[str, str], below: Colour | None) -> Colour | None:
    said = values.get("background-color") or values.get("background") or element.get("bgcolor")
    picture = "url(" in values.get("background", "") + values.get("background-image", "")
    picture = picture or "gradient" in values.get("background", "") + values.get(
        "background-image", ""
    )
    if picture or element.get("background"):
        return None  # what is behind the text is a picture
    if not said or said in {"none", "transparent", "inherit", "initial"}:
        return below
    colour = parse_colour(said)
    if colour is None:
        words = css.functions(tinycss2.parse_component_value_list(said))
        colours = [parse_colour(css.text_of([word])) for word in words if word.type != "whitespace"]
        colour = next((each for each in colours if each), None)
    return over(colour, below) if colour else below


def _size(value: str | None, otherwise: float, parent: Look) -> float:
    if not value:
        return otherwise
    if value in _KEYWORDS:
        return _KEYWORDS[value]
    return _length(value, parent.size, otherwise)


def _line(value: str | None, size: float, parent: Look) -> float:
    if not value:
        return max(parent.line, size * 1.2) if size != parent.size else parent.line
    if re.fullmatch(r"[\d.]+", value) and value.count(".") < 2 and value != ".":
        return float(value) * size
    return _length(value, size, size * 1.2)


def _length(value: str, base: float, otherwise: float) -> float:
    match = re.match(r"(\d+(?:\.\d+)?|\.\d+)(px|pt|em|rem|%)", value)
    if not match:
        return 0.0 if re.match(r"0+(\.0+)?(\D|$)", value) else otherwise
    number = float(match[1])
    scale = {"px": 1.0, "pt": 4 / 3, "em": base, "rem": 16.0, "%": base / 100}
    return min(number * scale[match[2]], 10_000.0)


def _rules(
    sheets: Iterable[Sheet], *, dark: bool
) -> Iterable[tuple[Selector, tuple[Declaration, ...]]]:
    for sheet in sheets:
        for rule in sheet.rules:
            if rule.nested or not _applies(rule.conditions, dark=dark):
                continue
            wanted = tuple(each for each in rule.declarations if each.name in _WANTED)
            if not wanted:
                continue
            for selector in rule.selector.split(","):
                if parsed := selectors.parse(selector.strip()):
                    yield parsed, wanted


def _applies(conditions: tuple[tuple[str, str], ...], *, dark: bool) -> bool:
    for name, query in conditions:
        if name != "media" or re.search(r"width|height|print|resolution|ratio", query):
            return False
        if "prefers-color-scheme" in query and ("dark" in query) != dark:
            return False
        if "prefers-reduced" in query or "hover" in query or "orientation" in query:
            return False
    return True


def _scheme(page: Page, sheets: Iterable[Sheet]) -> str:
    said = [
        meta.get("content") for meta in page.named("meta") if meta.get("name") == "color-scheme"
    ]
    said += [
        each.value
        for sheet in sheets
        for rule in sheet.rules
        if rule.selector in {":root", "html"} and not rule.conditions
        for each in rule.declarations
        if each.name == "color-scheme"
    ]
    return " ".join(said) or "light"
