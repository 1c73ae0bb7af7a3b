"""What editors write in Markdown → HTML for a mail, and plain text.

CommonMark, without what a mail can't show or must not hold: HTML stands as it was typed, a picture
is its description, a heading is a paragraph in bold, code is text, and a link that leads nowhere
from a mail (relative, ``javascript:``) leaves its words. What comes out is cleaned once more by
nh3, which knows nothing of Markdown and allows a short list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

INLINE_TAGS = frozenset({"a", "strong", "em", "br"})
TAGS = INLINE_TAGS | {"p", "ul", "ol", "li", "blockquote"}
SCHEMES = frozenset({"http", "https", "mailto"})
_NO_CLASSES: Mapping[str, str] = MappingProxyType({})

_LINK = re.compile(r"(?:https?://|mailto:)[^\s]+", re.IGNORECASE)
# Nobody types these, and XML (so the inliner) has no place for them.
_UNPRINTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def block(markdown: str, *, classes: Mapping[str, str] = _NO_CLASSES) -> Markup:
    """Paragraphs and lists. ``classes`` are class attributes by tag: ``{"p": "ink text"}``."""
    html: str = _markdown().render(_printed(markdown))
    return _clean(html, TAGS, classes)


def inline(markdown: str, classes: Mapping[str, str] = _NO_CLASSES) -> Markup:
    """The inside of one paragraph: links, bold, emphasis and line breaks."""
    html: str = _markdown().renderInline(_printed(markdown))
    return _clean(html, INLINE_TAGS, classes)


def plain(markdown: str) -> str:
    """The same words for the text part: ``text (url)``, ``- item``, blank lines between paragraphs.

    Its lines are not wrapped; plaintext.wrap does, and keeps what is a list.
    """
    writer = _Writer()
    for token in _markdown().parse(_printed(markdown)):
        writer.take(token)
    return "\n".join(writer.lines)


class _Writer:
    """Block tokens → lines. Flat, since nesting is a stranger's to choose."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._indents: list[str] = []
        # The next number of each list we are in; None where it has dots.
        self._numbers: list[int | None] = []
        self._mark = ""
        self._gap = False

    def take(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                ordered = token.type == "ordered_list_open"
                self._gap = self._gap or not self._numbers
                self._numbers.append(int(token.attrs.get("start", 1)) if ordered else None)
            case "bullet_list_close" | "ordered_list_close":
                self._numbers.pop()
                self._gap = self._gap or not self._numbers
            case "list_item_open":
                self._open_item()
            case "list_item_close":
                if self._mark:
                    self._write("")
                self._indents.pop()
            case "blockquote_open":
                self._gap = True
                self._indents.append("  ")
            case "blockquote_close":
                self._indents.pop()
                self._gap = True
            case "paragraph_close" | "heading_close":
                self._gap = not token.hidden
            case "inline":
                self._write(_words(token.children or ()))
            case "fence" | "code_block":
                self._gap = True
                self._write(token.content.rstrip("\n"))
                self._gap = True

    def _open_item(self) -> None:
        number = self._numbers[-1]
        mark = "- " if number is None else f"{number}. "
        if number is not None:
            self._numbers[-1] = number + 1
        if self._mark:
            self._write("")  # an item that holds only a list
        self._mark = mark
        self._indents.append(" " * len(mark))

    def _write(self, text: str) -> None:
        if not text and not self._mark:
            return
        if self._gap and self.lines:
            self.lines.append("")
        self._gap = False
        indent = "".join(self._indents)
        for line in text.split("\n"):
            mark, self._mark = self._mark, ""
            # The mark stands where the innermost indent is.
            self.lines.append((indent[: len(indent) - len(mark)] + mark + line).rstrip())


def _words(tokens: Sequence[Token]) -> str:
    """The text of an inline token's children."""
    written, links = "", []
    for token in tokens:
        match token.type:
            case "link_open":
                links.append((len(written), str(token.attrs["href"]).removeprefix("mailto:")))
            case "link_close":
                start, url = links.pop()
                if written[start:].strip() != url:
                    written += f" ({url})"
            case "softbreak":
                written += " "
            case "hardbreak":
                written += "\n"
            case _:
                written += token.content
    return written.strip()


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "linkify": False})
    markdown.disable("html_block")
    markdown.disable("html_inline")
    # Links are judged by _mend_links, which keeps their words; refused here they would stay source.
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005
    markdown.core.ruler.push("links", _mend_links)
    for name, rule in (
        ("heading_open", _heading_open),
        ("heading_close", _heading_close),
        ("image", _content),
        ("code_inline", _content),
        ("fence", _lines),
        ("code_block", _lines),
        ("hr", _nothing),
    ):
        markdown.add_render_rule(name, rule)
    return markdown


def _mend_links(state: StateCore) -> None:
    """Only links that work from a mail, each with words to press."""
    for token in state.tokens:
        if token.type != "inline" or not token.children:
            continue
        kept: list[Token] = []
        opened: list[tuple[bool, int]] = []
        for child in token.children:
            if child.type == "link_open":
                works = _LINK.fullmatch(str(child.attrs.get("href", ""))) is not None
                opened.append((works, len(kept) + 1))
                if not works:
                    continue
            elif child.type == "link_close":
                works, start = opened.pop()
                if not works:
                    continue
                if not any(each.content.strip() for each in kept[start:]):
                    url = str(kept[start - 1].attrs["href"]).removeprefix("mailto:")
                    kept.append(Token("text", "", 0, content=url))
            kept.append(child)
        token.children = kept


def _printed(markdown: str) -> str:
    return _UNPRINTED.sub("", markdown)


def _clean(html: str, tags: frozenset[str], classes: Mapping[str, str]) -> Markup:
    cleaned: str = _cleaner(tags, frozenset(classes.items())).clean(html)
    return Markup(cleaned.strip())  # noqa: S704 - nh3 has just cleaned it


@cache
def _cleaner(tags: frozenset[str], classes: frozenset[tuple[str, str]]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(tags),
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes=set(SCHEMES),
        link_rel=None,
        set_tag_attribute_values={
            tag: {"class": value} for tag, value in classes if tag in tags and value
        },
    )


# How the renderer writes what Markdown has and a mail has not. The signature is markdown-it's.
def _heading_open(
    _self: RendererHTML, _tokens: Sequence[Token], _at: int, _options: OptionsDict, _env: EnvType
) -> str:
    return "<p><strong>"


def _heading_close(
    _self: RendererHTML, _tokens: Sequence[Token], _at: int, _options: OptionsDict, _env: EnvType
) -> str:
    return "</strong></p>\n"


def _content(
    _self: RendererHTML, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: EnvType
) -> str:
    return str(escape(tokens[at].content))


def _lines(
    _self: RendererHTML, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: EnvType
) -> str:
    lines = tokens[at].content.rstrip("\n").split("\n")
    return f"<p>{'<br>'.join(str(escape(line)) for line in lines)}</p>\n"


def _nothing(
    _self: RendererHTML, _tokens: Sequence[Token], _at: int, _options: OptionsDict, _env: EnvType
) -> str:
    return ""
