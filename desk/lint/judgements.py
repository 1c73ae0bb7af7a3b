"""What a client's lack means for a page: the limits and fallbacks of data/judgements.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from desk.lint import css
from desk.lint.features import Usage
from desk.lint.page import Element, Page
from desk.lint.support import DATA, Feature


@dataclass(frozen=True, slots=True)
class Judgement:
    """One entry of the file; every condition it has must hold."""

    reason: str
    features: tuple[str, ...]
    clients: tuple[str, ...] = ("*",)
    where: frozenset[str] = frozenset()
    not_where: frozenset[str] = frozenset()
    name: str = ""
    value: str = ""
    selector: str = ""
    tags: frozenset[str] = frozenset()
    not_tags: frozenset[str] = frozenset()
    needs: str = ""
    notes: tuple[str, ...] = ()
    says: str = ""
    never: bool = False

    def speaks_of(self, slug: str) -> bool:
        """Whether it is about this feature."""
        return any(fnmatchcase(slug, each) for each in self.features)

    def holds(self, usage: Usage, page: Page) -> bool:
        """Whether the use is one that it means."""
        tag = usage.element.tag if usage.element else ""
        return (
            not self.never
            and self.where <= usage.where
            and not self.not_where & usage.where
            and bool(re.search(self.name, usage.name, re.IGNORECASE))
            and bool(re.search(self.value, usage.value, re.IGNORECASE))
            and bool(re.search(self.selector, usage.selector, re.IGNORECASE))
            and (not self.tags or tag in self.tags)
            and not (self.not_tags and (not tag or tag in self.not_tags))
            and (not self.needs or TESTS[self.needs](usage, page))
        )


def fallback(usage: Usage, client: str, page: Page) -> Judgement | None:
    """What stands in for a use of a feature that a client lacks."""
    for entry in _fallbacks(usage.slug, client):
        if entry.holds(usage, page):
            return entry
    return None


@dataclass(frozen=True, slots=True)
class Bite:
    """What partial support does to a use: which notes hurt it and why, which nobody judged."""

    notes: tuple[str, ...]
    reasons: tuple[str, ...]
    unjudged: tuple[str, ...]


def bites(usage: Usage, feature: Feature, notes: tuple[str, ...], page: Page) -> Bite:
    """What a client's partial support, told in these notes, does to a use."""
    hurt: dict[str, None] = {}
    reasons: dict[str, None] = {}
    unjudged = []
    for note in notes:
        entries = _limits(usage.slug, note, feature.notes.get(note, ""))
        if not entries:
            unjudged.append(note)
        for entry in entries:
            if entry.holds(usage, page):
                hurt[note] = None
                reasons[entry.reason] = None
    return Bite(tuple(hurt), tuple(reasons), tuple(unjudged))


def mend(slug: str) -> str:
    """What to write in place of a feature, where we know."""
    return next((each.reason for each in _entries("mend") if each.speaks_of(slug)), "")


@cache
def _fallbacks(slug: str, client: str) -> tuple[Judgement, ...]:
    return tuple(
        entry
        for entry in _entries("fallback")
        if entry.speaks_of(slug) and any(fnmatchcase(client, each) for each in entry.clients)
    )


@cache
def _limits(slug: str, note: str, text: str) -> tuple[Judgement, ...]:
    return tuple(
        entry
        for entry in _entries("limit")
        if entry.speaks_of(slug)
        and (note in entry.notes or (entry.says and re.search(entry.says, text)))
    )


@cache
def _entries(kind: str) -> tuple[Judgement, ...]:
    data = tomllib.loads((DATA / "judgements.toml").read_text("utf-8"))
    return tuple(_entry(item) for item in data[kind])


def _entry(item: dict[str, Any]) -> Judgement:
    def shape(value: Any, name: str) -> Any:
        if name in {"where", "not_where", "tags", "not_tags"}:
            return frozenset(value)
        return tuple(value) if isinstance(value, list) else value

    return Judgement(**{name: shape(value, name) for name, value in item.items()})


def _style(element: Element) -> dict[str, str]:
    return {each.name: each.value for each in css.inline(element)}


def _siblings(usage: Usage) -> dict[str, str]:
    return {each.name: each.value for each in usage.siblings}


def _in_cell(usage: Usage) -> Iterator[Element]:
    above = usage.element.ancestors if usage.element else ()
    return (element for element in above if element.tag in {"td", "th"})


def _holds_table(usage: Usage, _: Page) -> bool:
    inside = usage.element.inside if usage.element else ()
    return any(isinstance(each, Element) and each.tag == "table" for each in inside)


def _ghost_table(usage: Usage, page: Page) -> bool:
    # The table in Outlook's comment stands just before the one that it is a ghost of.
    if usage.element is None:
        return False
    place = (usage.element.line, usage.element.column)
    before = [
        comment
        for comment in page.comments
        if (comment.line, comment.column) < place
        and re.match(r"\[if [^!\]]*mso", comment.text.strip())
    ]
    return bool(before) and "<table" in before[-1].text and "width=" in before[-1].text


def _uneven_row(usage: Usage, _: Page) -> bool:
    cell = usage.element
    if cell is None or cell.tag not in {"td", "th"} or cell.parent is None:
        return False
    cells = [each for each in cell.parent.children if isinstance(each, Element)]
    return len({_vertical(each) for each in cells}) > 1


def _vertical(cell: Element) -> tuple[str, str]:
    style = _style(cell)
    sides = (style.get("padding", "0").split() or ["0"]) * 4
    parts = style.get("padding", "0").split()
    top = style.get("padding-top", sides[0])
    bottom = style.get("padding-bottom", parts[2] if len(parts) > 2 else sides[0])
    return top.replace("px", ""), bottom.replace("px", "")


def _background_colour(usage: Usage, _: Page) -> bool:
    return (
        bool(usage.element and usage.element.get("bgcolor"))
        or "background-color" in _siblings(usage)
        or bool(
            re.search(
                r"#[0-9a-f]{3,8}\b|rgb", _siblings(usage).get("background", ""), re.IGNORECASE
            )
        )
    )


def _not_centred(usage: Usage, _: Page) -> bool:
    # align on a table or on a cell around it does for Outlook what margin:auto does elsewhere.
    above = list(usage.element.ancestors)[:3] if usage.element else []
    return not any(
        each.get("align").lower() in {"center", "left", "right"} or each.tag == "center"
        for each in above
    )


def _declared_before(usage: Usage, _: Page) -> bool:
    for each in usage.siblings:
        if (each.line, each.column) >= (usage.line, usage.column):
            return False
        if each.name == usage.name and each.value != usage.value and "(" not in each.value:
            return True
    return False


def _breaks_twice(usage: Usage, _: Page) -> bool:
    return {"word-break", "word-wrap"} <= set(_siblings(usage))


def _frame_repeats(usage: Usage, page: Page) -> bool:
    # Who drops the body drops its background; the outermost table must have the same.
    if usage.element is None:
        return False
    colours = [_colour(each) for each in (usage.element, page.first("table")) if each]
    return not colours[0] or colours[0] in colours[1:]


def _colour(element: Element) -> str:
    style = _style(element)
    said = style.get("background-color") or style.get("background") or element.get("bgcolor")
    return said.lower()


def _silent_picture(usage: Usage, _: Page) -> bool:
    element = usage.element
    if element is None or element.text:
        return False
    pictures = [each for each in (element, *element.inside) if isinstance(each, Element)]
    shown = [each for each in pictures if each.tag == "img"]
    return bool(shown) and all("alt" in each.attributes and not each.get("alt") for each in shown)


def _underlines(usage: Usage, _: Page) -> bool:
    sizes = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", usage.value)]
    return bool(sizes) and max(sizes) <= 4


def _only_hides_or_resets(usage: Usage, _: Page) -> bool:
    allowed = re.compile(r"^(0|none|inherit|normal|100%|collapse|auto|transparent|initial)\b")
    return bool(usage.siblings) and all(
        allowed.match(each.value) or each.name.startswith(("-webkit", "-ms", "mso"))
        for each in usage.siblings
    )


def _attribute(*names: str) -> Callable[[Usage, Page], bool]:
    return lambda usage, _: bool(usage.element and any(usage.element.get(name) for name in names))


def _absent(test: Callable[[Usage, Page], bool]) -> Callable[[Usage, Page], bool]:
    return lambda usage, page: not test(usage, page)


def _beside(name: str, pattern: str = "") -> Callable[[Usage, Page], bool]:
    return lambda usage, _: bool(
        name in _siblings(usage) and re.search(pattern, _siblings(usage)[name])
    )


TESTS: dict[str, Callable[[Usage, Page], bool]] = {
    "align_attribute": _attribute("align", "valign"),
    "background_colour": _background_colour,
    "breaks_twice": _breaks_twice,
    "declared_before": _declared_before,
    "dir_attribute": lambda usage, _: any(
        each.get("dir") for each in (usage.element.ancestors if usage.element else ())
    ),
    "font_stack": lambda _, page: (
        not re.search(r"font-family\s*:\s*['\"]?[\w ]+['\"]?\s*[;}\"]", page.source)
    ),
    "frame_repeats": _frame_repeats,
    "ghost_table": _ghost_table,
    "has_background": lambda usage, _: bool(
        {"background", "background-color"} & set(_siblings(usage))
    ),
    "height_attribute": _attribute("height"),
    "hidden_anyway": _beside("display", "none"),
    "holds_table": _holds_table,
    "in_cell": lambda usage, _: any(_in_cell(usage)),
    "mso_hide": _beside("mso-hide", "all"),
    "no_bgcolor": _absent(_background_colour),
    "no_mso_line_height": lambda _, page: "mso-line-height-rule" not in page.source,
    "no_pixels_per_inch": lambda _, page: "PixelsPerInch" not in page.ghosts,
    "no_width_attribute": _absent(_attribute("width")),
    "no_words": lambda usage, _: usage.element is not None and not usage.element.text,
    "not_centred": _not_centred,
    "only_hides_or_resets": _only_hides_or_resets,
    "reversed_list": lambda usage, _: bool(
        usage.element and "reversed" in usage.element.attributes
    ),
    "rounded": _beside("border-radius"),
    "silent_picture": _silent_picture,
    "skip_link": lambda usage, _: bool(usage.element and usage.element.text),
    "style_in_body": lambda usage, _: bool(
        usage.element and not any(each.tag == "head" for each in usage.element.ancestors)
    ),
    "underlines": _underlines,
    "uneven_row": _uneven_row,
    "unstyled": lambda usage, _: bool(usage.element and not usage.element.get("style")),
    "valued_list": lambda usage, _: bool(
        usage.element
        and any(
            isinstance(each, Element) and each.tag == "li" and "value" in each.attributes
            for each in usage.element.children
        )
    ),
    "width_attribute": _attribute("width"),
}
