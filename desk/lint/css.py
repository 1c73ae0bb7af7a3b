"""CSS → rules and declarations with their places in the page: style blocks and style attributes.

tinycss2 reads it as browsers do; what it can't read is a broken rule with a place, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import tinycss2

from desk.lint.page import Element, Page

# tinycss2's nodes have no types of their own; this is what we ask of them.
Token = Any

_STYLE = re.compile(r"""\bstyle\s*=\s*["']?""", re.IGNORECASE)
# Grouping at-rules: what they hold is rules.
_GROUPS = frozenset(
    {"media", "supports", "layer", "container", "document", "-moz-document", "scope"}
)
_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Declaration:
    """``name: value``. ``tokens`` are tinycss2's."""

    name: str
    value: str
    tokens: tuple[Token, ...]
    important: bool
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A selector with its declarations. ``conditions`` are the at-rules around it, outermost first,
    as ``("media", "(max-width:480px)")``. ``nested``: it stands in another rule.
    """

    selector: str
    declarations: tuple[Declaration, ...]
    conditions: tuple[tuple[str, str], ...]
    line: int
    column: int
    nested: bool = False


@dataclass(frozen=True, slots=True)
class AtRule:
    """``@name prelude``, at its place; ``conditions`` are those around it."""

    name: str
    prelude: str
    conditions: tuple[tuple[str, str], ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """One style block. ``broken`` are places where it can't be read, with what is wrong."""

    element: Element
    text: str
    rules: tuple[Rule, ...]
    at_rules: tuple[AtRule, ...]
    broken: tuple[tuple[int, int, str], ...]


def sheets(page: Page) -> tuple[Sheet, ...]:
    """Every style block of the page that clients read."""
    return tuple(_sheet(element) for element in page.named("style"))


def inline(element: Element) -> tuple[Declaration, ...]:
    """The declarations of an element's style attribute."""
    value = element.get("style")
    if not value:
        return ()
    if element.declarations is not None:
        return element.declarations
    match = _STYLE.search(element.source)
    place = element.place_in_source(match.end() if match else 0)
    parsed = tinycss2.parse_blocks_contents(value, skip_comments=True, skip_whitespace=True)
    element.declarations = tuple(_declarations(parsed, place))
    return element.declarations


def text_of(tokens: Iterable[Token]) -> str:
    """Tokens as they are written, in one line."""
    try:
        return " ".join(str(tinycss2.serialize(list(tokens))).split())
    except RecursionError:
        return "…"  # brackets a thousand deep: nobody means anything by them


def functions(tokens: Iterable[Token]) -> Iterator[Token]:
    """Every token, those in functions and brackets too."""
    waiting = list(reversed(list(tokens)))
    while waiting:
        token = waiting.pop()
        yield token
        inner = getattr(token, "arguments", None) or getattr(token, "content", None)
        if isinstance(inner, list):
            waiting.extend(reversed(inner))


def _sheet(element: Element) -> Sheet:
    text = "".join(child for child in element.children if isinstance(child, str))
    place = element.place_in_source(len(element.source))
    reader = _Reader(place)
    reader.read(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True), ())
    return Sheet(element, text, tuple(reader.rules), tuple(reader.at_rules), tuple(reader.broken))


class _Reader:
    def __init__(self, place: tuple[int, int]) -> None:
        self._place = place
        self.rules: list[Rule] = []
        self.at_rules: list[AtRule] = []
        self.broken: list[tuple[int, int, str]] = []

    def read(
        self, nodes: Iterable[Token], conditions: tuple[tuple[str, str], ...], within: str = ""
    ) -> None:
        for node in nodes:
            match node.type:
                case "qualified-rule":
                    self._rule(node, conditions, within)
                case "at-rule":
                    self._at_rule(node, conditions, within)
                case "error":
                    self.broken.append((*_at(node, self._place), str(node.message)))

    def _rule(self, node: Token, conditions: tuple[tuple[str, str], ...], within: str) -> None:
        selector = text_of(node.prelude)
        self.broken += [
            (*_at(token, self._place), f"before {{ … }} of {selector!r}: {token.message}")
            for token in node.prelude
            if token.type == "error"
        ]
        content = tinycss2.parse_blocks_contents(
            node.content, skip_comments=True, skip_whitespace=True
        )
        declarations = tuple(_declarations(content, self._place))
        line, column = _at(node, self._place)
        self.rules.append(Rule(selector, declarations, conditions, line, column, bool(within)))
        if len(conditions) < _DEPTH and within.count("{") < _DEPTH:
            inner = [item for item in content if item.type != "declaration"]
            self.read(inner, conditions, f"{within}{{{selector}")

    def _at_rule(self, node: Token, conditions: tuple[tuple[str, str], ...], within: str) -> None:
        name, prelude = str(node.lower_at_keyword), text_of(node.prelude)
        line, column = _at(node, self._place)
        self.at_rules.append(AtRule(name, prelude, conditions, line, column))
        if node.content is None or len(conditions) >= _DEPTH:
            return
        if name in _GROUPS:
            inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
            self.read(inner, (*conditions, (name, prelude)), within)
        elif name in {"font-face", "page"} or name.endswith("keyframes"):
            self._rule_of(node, name, conditions)

    def _rule_of(self, node: Token, name: str, conditions: tuple[tuple[str, str], ...]) -> None:
        content = tinycss2.parse_blocks_contents(
            node.content, skip_comments=True, skip_whitespace=True
        )
        declarations = tuple(_declarations(content, self._place))
        line, column = _at(node, self._place)
        self.rules.append(Rule(f"@{name}", declarations, conditions, line, column))


def _declarations(nodes: Iterable[Token], place: tuple[int, int]) -> Iterator[Declaration]:
    for node in nodes:
        if node.type == "declaration":
            yield Declaration(
                node.lower_name,
                text_of(node.value),
                tuple(node.value),
                bool(node.important),
                *_at(node, place),
            )


def _at(node: Token, place: tuple[int, int]) -> tuple[int, int]:
    """Where a node of a piece of CSS stands in the page, given where the piece starts."""
    line, column = place
    if node.source_line == 1:
        return line, column + node.source_column - 1
    return line + node.source_line - 1, node.source_column
