"""A page's main text, paragraph by paragraph, by trafilatura and without the site's chrome."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from courant.feeds.cleaning import rules, words
from courant.feeds.cleaning.clean import plain_text

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_MAX_PARAGRAPH_CHARS = 20_000
_MAX_CHROME_CHARS = 500
_CHROME = re.compile("|".join(f"(?:{line})" for line in rules.lines("chrome.txt")), re.IGNORECASE)
# Line breaks and blocks part words.
_PARTING = frozenset({"lb", "p", "item", "list", "quote", "head", "row", "cell"})


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph of a body, or a heading in it."""

    text: str
    is_heading: bool = False


def read_body(tree: HtmlElement, title: str | None) -> tuple[Block, ...]:
    """The blocks of a parsed page, which is taken apart; without a heading that is the title."""
    from trafilatura import bare_extraction

    document: Any = bare_extraction(tree, include_comments=False, with_metadata=False)
    if document is None or document.body is None:
        return ()
    blocks: list[Block] = []
    for written, is_heading in _pieces(document.body):
        text = plain_text(written[:_MAX_PARAGRAPH_CHARS])
        if not text or (len(text) <= _MAX_CHROME_CHARS and _CHROME.fullmatch(text)):
            continue
        if is_heading and words.same_words(text, title or ""):
            continue
        blocks.append(Block(text, is_heading))
    # A heading with nothing below it heads the site's next box.
    while blocks and blocks[-1].is_heading:
        blocks.pop()
    return tuple(blocks)


def _pieces(body: HtmlElement) -> Iterator[tuple[str, bool]]:
    """What trafilatura calls paragraphs, headings, items and cells, and loose text between."""
    yield body.text or "", False
    for element in body:
        if element.tag in {"list", "table", "row", "body", "div"}:
            yield from _pieces(element)
        else:
            yield "".join(_texts(element)), element.tag == "head"
        yield element.tail or "", False


def _texts(element: HtmlElement) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag in _PARTING:
            yield " "
        yield from _texts(child)
        yield child.tail or ""
