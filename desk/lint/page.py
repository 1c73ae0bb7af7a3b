"""HTML → elements with their places, for mail as it is written: tables, soup, Outlook's comments.

The standard library's parser knows line and column of every tag, which lxml does not (a digest's
lines are long). The tree is what a browser would make of decent mail, not the whole of HTML's rules
for mending. Nothing that is put in raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "basefont",
        "bgsound",
        "frame",
        "keygen",
    ]
)
# A new one ends the open one of its kind, up to the element that holds them.
_ENDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol", "table"})),
    "dt": (frozenset({"dt", "dd"}), frozenset({"dl", "table"})),
    "dd": (frozenset({"dt", "dd"}), frozenset({"dl", "table"})),
    "td": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "th": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "tr": (frozenset({"tr", "td", "th"}), frozenset({"table"})),
    "tbody": (frozenset({"tbody", "thead", "tfoot", "tr", "td", "th"}), frozenset({"table"})),
    "a": (frozenset({"a"}), frozenset({"td", "th", "table"})),
    "option": (frozenset({"option"}), frozenset({"select"})),
}
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "div",
        "dl",
        "fieldset",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
    ]
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_PARAGRAPH = (frozenset({"p"}), frozenset({"td", "th", "div", "table", "li", "blockquote", "body"}))
_CELLS = frozenset({"td", "th"})
# As deep as Chromium builds; what is deeper stands beside, not within.
_DEPTH = 512


@dataclass(slots=True, eq=False)
class Element:
    """A tag, what it says and what it holds. ``line`` and ``column`` count from 1.

    ``in_outlook`` is false between ``<!--[if !mso]><!-->`` and ``<!--<![endif]-->``, which Outlook
    for Windows skips.
    """

    tag: str
    attributes: dict[str, str]
    source: str
    line: int
    column: int
    parent: Element | None
    in_outlook: bool = True
    children: list[Element | str | Comment] = field(default_factory=list)
    declarations: tuple[Any, ...] | None = None  # of its style attribute, once css.py has read it

    def get(self, name: str, otherwise: str = "") -> str:
        """An attribute's value."""
        return self.attributes.get(name, otherwise)

    @property
    def classes(self) -> frozenset[str]:
        """The words of its class attribute."""
        return frozenset(self.get("class").split())

    @property
    def ancestors(self) -> Iterator[Element]:
        """Itself, its parent, and so on."""
        element: Element | None = self
        while element is not None:
            yield element
            element = element.parent

    @property
    def inside(self) -> Iterator[Element | str]:
        """Every element and text below it, in document order."""
        waiting = list(reversed(self.children))
        while waiting:
            child = waiting.pop()
            if isinstance(child, Comment):
                continue
            yield child
            if isinstance(child, Element):
                waiting.extend(reversed(child.children))

    @property
    def text(self) -> str:
        """Its words, in one line."""
        return " ".join("".join(part for part in self.inside if isinstance(part, str)).split())

    def place_in_source(self, offset: int) -> tuple[int, int]:
        """Line and column of the ``offset``-th character of its start tag."""
        before = self.source[:offset]
        newlines = before.count("\n")
        if newlines:
            return self.line + newlines, len(before) - before.rfind("\n")
        return self.line, self.column + len(before)


@dataclass(slots=True, eq=False)
class Comment:
    """What stands between ``<!--`` and ``-->``, or an odd declaration."""

    text: str
    line: int
    column: int


@dataclass(slots=True)
class Page:
    """A parsed page. ``elements`` and ``comments`` are in document order."""

    source: str
    root: Element
    elements: list[Element] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    doctype: str | None = None

    def named(self, *tags: str) -> Iterator[Element]:
        """The elements of these tags."""
        return (element for element in self.elements if element.tag in tags)

    def first(self, tag: str) -> Element | None:
        """The first element of this tag."""
        return next(self.named(tag), None)

    @property
    def ghosts(self) -> str:
        """What only Outlook for Windows reads: the insides of ``<!--[if mso]>`` comments."""
        return "\n".join(comment.text for comment in self.comments if is_conditional(comment))


def is_conditional(comment: Comment) -> bool:
    """Whether it is one of the comments that Outlook for Windows obeys."""
    text = comment.text.lstrip()
    return text.startswith(("[if", "<![endif", "[endif"))


class _Builder(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page(source, Element("#page", {}, "", 1, 1, None))
        self._open = [self.page.root]
        self._in_outlook = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_implied(tag)
        line, offset = self.getpos()
        parent = self._open[-1]
        attributes: dict[str, str] = {}
        for name, value in attrs:
            attributes.setdefault(name, value or "")  # the first of two counts, as in browsers
        source = self.get_starttag_text() or ""
        element = Element(tag, attributes, source, line, offset + 1, parent, self._in_outlook)
        parent.children.append(element)
        self.page.elements.append(element)
        if tag not in VOID and len(self._open) < _DEPTH:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML knows no <p/>, but VML in mails does.
        self.handle_starttag(tag, attrs)
        if ":" in tag and self._open[-1].tag == tag:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, 0, -1):
            open_tag = self._open[depth].tag
            if open_tag == tag:
                del self._open[depth:]
                return
            # A cell's stray end tags never end what is around its table.
            if open_tag in _CELLS and tag not in {
                "td",
                "th",
                "tr",
                "tbody",
                "table",
                "body",
                "html",
            }:
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        line, offset = self.getpos()
        comment = Comment(data, line, offset + 1)
        self.page.comments.append(comment)
        self._open[-1].children.append(comment)
        text = data.strip()
        if re.match(r"\[if\s+!\s*mso", text, re.IGNORECASE):
            self._in_outlook = False
        elif text in {"<![endif]", "[endif]"}:
            self._in_outlook = True

    def handle_decl(self, decl: str) -> None:
        if self.page.doctype is None and decl.lower().startswith("doctype"):
            self.page.doctype = decl

    def handle_pi(self, data: str) -> None:
        self.handle_comment(data)

    def parse_html_declaration(self, i: int) -> int:
        # To a browser <![if !mso]> is a comment up to the first ">"; the library looks for SGML in
        # it, and raises where it finds none.
        if self.rawdata.startswith("<![", i):
            return self.parse_bogus_comment(i)
        return super().parse_html_declaration(i)

    def _end_implied(self, tag: str) -> None:
        if tag in _HEADINGS and self._open[-1].tag in _HEADINGS:
            self._open.pop()
        ends = _ENDS.get("tbody" if tag in {"thead", "tfoot"} else tag)
        if ends is None and tag in _BLOCKS:
            ends = _PARAGRAPH
        if ends is None:
            return
        kinds, holders = ends
        last = None
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].tag in holders:
                break
            if self._open[depth].tag in kinds:
                last = depth
        if last is not None:
            del self._open[last:]


def parse(source: str) -> Page:
    """The page, whatever is put in."""
    builder = _Builder(source)
    builder.feed(source)
    builder.close()
    return builder.page
