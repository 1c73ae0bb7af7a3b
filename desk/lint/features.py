"""Which of caniemail's features a page uses, where. data/features.toml says how each is seen."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from desk.lint import css
from desk.lint.css import Declaration, Rule, Sheet
from desk.lint.findings import shorten
from desk.lint.page import Element, Page, is_conditional
from desk.lint.support import DATA

# Rules that begin so are written for one client; all others skip them.
_HOOKS = re.compile(r"^(\[data-og|\.moz-text|#outlook|u \+|#MessageViewBody|\.ExternalClass|\[x-)")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\]]*\]|\"[^\"]*\"|'[^']*'")
_URL = re.compile(r"""url\(\s*["']?([^"')]+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Usage:
    """One place where a feature is used.

    ``behind``: features that a client must support to see it at all (the @media around it, the
    selector of its rule). ``where``: words for judgements.toml: ``inline``, ``style``, ``media``,
    ``nested``, ``dark``, ``phone``, ``hook`` (a rule for one client), ``body`` (a style block
    outside the head), ``page``, ``element``, ``at`` (an at-rule itself).
    """

    slug: str
    line: int
    column: int
    excerpt: str
    where: frozenset[str]
    behind: frozenset[str]
    in_outlook: bool
    name: str = ""
    value: str = ""
    selector: str = ""
    element: Element | None = None
    siblings: tuple[Declaration, ...] = ()


@dataclass(frozen=True, slots=True)
class _Scope:
    where: frozenset[str]
    behind: frozenset[str] = frozenset()
    in_outlook: bool = True
    selector: str = ""
    element: Element | None = None


def usages(page: Page, sheets: Iterable[Sheet]) -> Iterator[Usage]:
    """Every use of a feature in the page."""
    yield from _of_page(page)
    for element in page.elements:
        yield from _of_element(element)
        scope = _Scope(frozenset({"inline"}), in_outlook=element.in_outlook, element=element)
        yield from _of_declarations(css.inline(element), scope)
    for sheet in sheets:
        yield from _of_sheet(sheet)


def detectors() -> dict[str, dict[str, Any]]:
    """features.toml: section → slug → what to look for."""
    return _detectors()


@cache
def _detectors() -> dict[str, dict[str, Any]]:
    return tomllib.loads((DATA / "features.toml").read_text("utf-8"))


@cache
def _property_slugs(name: str) -> tuple[str, ...]:
    return tuple(
        slug
        for slug, names in _detectors()["property"].items()
        if any(fnmatchcase(name, each) for each in names)
    )


@cache
def _reversed(section: str) -> dict[str, tuple[str, ...]]:
    """word → slugs, of a section whose values are lists of words."""
    found: dict[str, list[str]] = {}
    for slug, words in _detectors()[section].items():
        for word in words:
            found.setdefault(word, []).append(slug)
    return {word: tuple(slugs) for word, slugs in found.items()}


def _of_page(page: Page) -> Iterator[Usage]:
    def usage(slug: str, line: int, column: int, excerpt: str) -> Usage:
        return Usage(
            slug, line, column, shorten(excerpt), frozenset({"page"}), frozenset(), in_outlook=True
        )

    if page.doctype is not None:
        yield usage("html-doctype", 1, 1, f"<!{page.doctype}>")
    for comment in page.comments:
        if not is_conditional(comment):
            yield usage("html-comments", comment.line, comment.column, f"<!--{comment.text}-->")


def _of_element(element: Element) -> Iterator[Usage]:
    excerpt = shorten(element.source)

    def usage(slug: str, value: str = "") -> Usage:
        return Usage(
            slug,
            element.line,
            element.column,
            excerpt,
            frozenset({"element"}),
            frozenset(),
            in_outlook=element.in_outlook,
            name=element.tag,
            value=value,
            element=element,
        )

    for slug in _reversed("element").get(element.tag, ()):
        yield usage(slug)
    for name, value in element.attributes.items():
        for slug in _reversed("attribute").get(name, ()):
            yield usage(slug, value)
    for slug, (tag, name, pattern) in _detectors()["element_where"].items():
        if element.tag == tag and re.fullmatch(
            pattern, element.get(name).strip(), re.IGNORECASE | re.DOTALL
        ):
            yield usage(slug, element.get(name))
    for name in ("src", "background", "poster"):
        if address := element.get(name):
            for slug in _image_slugs(address):
                yield usage(slug, address)


def _of_sheet(sheet: Sheet) -> Iterator[Usage]:
    in_head = any(above.tag == "head" for above in sheet.element.ancestors)
    base = frozenset({"style"}) if in_head else frozenset({"style", "body"})
    in_outlook = sheet.element.in_outlook
    for at_rule in sheet.at_rules:
        prelude = f"@{at_rule.name} {at_rule.prelude}".strip()
        around = _scope(base, at_rule.conditions, in_outlook=in_outlook)
        for slug in _at_slugs(at_rule.name, at_rule.prelude):
            # A dark block's @media counts as dark itself, so that a judgement can name it.
            own = _words(base, (*at_rule.conditions, (at_rule.name, at_rule.prelude)))
            yield Usage(
                slug,
                at_rule.line,
                at_rule.column,
                shorten(prelude),
                own | {"at"},
                around.behind,
                in_outlook,
                name=at_rule.name,
                value=at_rule.prelude,
            )
    for rule in sheet.rules:
        yield from _of_rule(rule, base, in_outlook=in_outlook)
    line, column = sheet.element.place_in_source(len(sheet.element.source))
    for comment in re.finditer(r"/\*", sheet.text):
        before = sheet.text[: comment.start()]
        down = before.count("\n")
        yield Usage(
            "css-comments",
            line + down,
            len(before) - before.rfind("\n") if down else column + len(before),
            shorten(sheet.text[comment.start() :], 40),
            base,
            frozenset(),
            in_outlook,
        )


def _of_rule(rule: Rule, base: frozenset[str], *, in_outlook: bool) -> Iterator[Usage]:
    scope = _scope(base, rule.conditions, in_outlook=in_outlook)
    where = scope.where | {"hook"} if _HOOKS.match(rule.selector) else scope.where
    slugs = () if rule.selector.startswith("@") else _selector_slugs(rule.selector)
    if rule.nested:
        slugs = (*slugs, "css-nesting")
    for slug in slugs:
        yield Usage(
            slug,
            rule.line,
            rule.column,
            shorten(rule.selector),
            where,
            scope.behind,
            in_outlook,
            value=rule.selector,
            selector=rule.selector,
            siblings=rule.declarations,
        )
    inner = _Scope(where, scope.behind | set(slugs), in_outlook, rule.selector)
    yield from _of_declarations(rule.declarations, inner)


def _of_declarations(declarations: tuple[Declaration, ...], scope: _Scope) -> Iterator[Usage]:
    holder = f"<{scope.element.tag}>" if scope.element else scope.selector
    for declaration in declarations:
        excerpt = shorten(f"{holder} {{ {declaration.name}: {declaration.value} }}")
        for slug in _declaration_slugs(declaration):
            yield Usage(
                slug,
                declaration.line,
                declaration.column,
                excerpt,
                scope.where,
                scope.behind,
                scope.in_outlook,
                name=declaration.name,
                value=declaration.value,
                selector=scope.selector,
                element=scope.element,
                siblings=declarations,
            )


def _declaration_slugs(declaration: Declaration) -> Iterator[str]:
    name = declaration.name
    found: set[str] = set(_property_slugs(name))
    for slug, (of, pattern) in _detectors()["value"].items():
        if fnmatchcase(name, of) and re.search(pattern, declaration.value, re.IGNORECASE):
            found.add(slug)
    for token in css.functions(declaration.tokens):
        if token.type == "function":
            found.update(_reversed("function").get(token.lower_name, ()))
        elif token.type == "dimension":
            found.update(_reversed("unit").get(token.lower_unit, ()))
        elif token.type == "percentage":
            found.update(_reversed("unit")["%"])
    if declaration.important:
        found.add("css-important")
    for address in _URL.findall(declaration.value):
        found.update(_image_slugs(address))
    yield from sorted(found)


def _selector_slugs(selector: str) -> tuple[str, ...]:
    bare = selector
    for _ in range(5):  # brackets in brackets
        bare = _BRACKETS.sub(lambda match: match[0][0] + match[0][-1], bare)
    return tuple(
        slug
        for slug, pattern in _detectors()["selector"].items()
        if re.search(pattern, bare, re.IGNORECASE)
    )


def _at_slugs(name: str, prelude: str) -> Iterator[str]:
    yield from _reversed("at_rule").get(name, ())
    if name == "media":
        for slug, pattern in _detectors()["media"].items():
            if re.search(pattern, prelude, re.IGNORECASE):
                yield slug


def _image_slugs(address: str) -> Iterator[str]:
    try:
        path = address if address.startswith("data:") else urlsplit(address).path
    except ValueError:
        return
    for slug, pattern in _detectors()["image"].items():
        if re.search(pattern, path.strip(), re.IGNORECASE):
            yield slug


def _scope(
    base: frozenset[str], conditions: tuple[tuple[str, str], ...], *, in_outlook: bool
) -> _Scope:
    behind = frozenset(slug for name, prelude in conditions for slug in _at_slugs(name, prelude))
    return _Scope(_words(base, conditions), behind, in_outlook)


def _words(base: frozenset[str], conditions: tuple[tuple[str, str], ...]) -> frozenset[str]:
    words = set(base)
    for name, prelude in conditions:
        if name == "media":
            words |= {"nested"} if "media" in words else {"media"}
            if re.search(r"prefers-color-scheme\s*:\s*dark", prelude, re.IGNORECASE):
                words.add("dark")
            if "max-width" in prelude.lower():
                words.add("phone")
    return frozenset(words)
