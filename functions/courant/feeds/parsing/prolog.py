"""What stands before a document's root element: what it says it is, and where the bombs are laid.

XML lets a document declare words of its own in its DOCTYPE, which grow without end or fetch files.
No feed needs them. Instead of understanding a DOCTYPE well enough to defuse it, all that stands
before the root element goes if there is one, so that no parser behind this one, however it reads
comments or quotes, finds a declaration where it would heed it.
"""

from __future__ import annotations

import re

MAX_ATTRIBUTES = 256

# What would be heeded, wherever it stands, in a comment too: some parsers see comments end early.
# That a page is HTML is worth knowing, and says nothing else.
_DECLARATION = re.compile(r"<!(?:doctype(?!\s{1,20}html\s{0,20}>)|entity)", re.IGNORECASE)
# No tag with so many attributes is shorter.
_LONG_TAG = re.compile(r"<[A-Za-z_][^<>]{1200,}")
_ROOT = re.compile(r"<[A-Za-z_]")
_SUBSET_OR_END = re.compile(r"[\[>]")
# The next thing in an internal subset that may hide its end.
_SUBSET = re.compile(r"""["'\]]|<!--|<\?""")
_ENDS = {'"': '"', "'": "'", "<!--": "-->", "<?": "?>"}

_FIRST_TAG = re.compile(r"<([A-Za-z][\w.:-]{0,40})")
_HTML_DOCTYPE = re.compile(r"<!doctype\s{1,20}html", re.IGNORECASE)
# Files that say what they are in their first bytes.
_KINDS = tuple(
    (re.compile(beginning, re.DOTALL), kind)
    for beginning, kind in (
        (rb"\xff\xd8\xff|\x89PNG\r\n|GIF8[79]a|RIFF.{4}WEBP", "a picture"),
        (rb"%PDF-", "a PDF document"),
        (rb"PK(?:\x03\x04|\x05\x06)|\x1f\x8b|BZh[1-9]|\xfd7zXZ|7z\xbc\xaf|Rar!", "an archive"),
        (rb"ID3[\x02-\x04]|\xff[\xf2\xf3\xfa\xfb][^\x00\xff]|OggS|fLaC|.{4}ftyp", "a recording"),
    )
)
_PAGE_PARTS = frozenset(
    (
        *(
            "head",
            "body",
            "title",
            "meta",
            "link",
            "style",
            "script",
            "noscript",
            "main",
            "article",
        ),
        *("section", "header", "footer", "nav", "aside", "h1", "h2", "h3", "h4", "h5", "h6", "div"),
        *("p", "span", "a", "b", "i", "em", "strong", "br", "hr", "img", "picture", "ul", "ol"),
        *("li", "dl", "table", "tr", "td", "pre", "blockquote", "form", "center", "font", "iframe"),
    )
)
_NOT_ELEMENTS = (("<!--", "-->"), ("<?", "?>"))


def without_doctype(text: str) -> str:
    """An XML document from its root element on if it has a DOCTYPE, else as it is.

    "" if it has a DOCTYPE and no root element. Takes time in proportion to what stands before the
    root element, whatever that is.
    """
    start = _root_start(text)
    if not _DECLARATION.search(text, 0, len(text) if start < 0 else start):
        return text
    return text[start:] if start >= 0 else ""


def _root_start(text: str) -> int:
    """Where the root element starts; -1 if there is none."""
    position = 0
    while (position := text.find("<", position)) >= 0:
        if _ROOT.match(text, position):
            return position
        if text.startswith("<!--", position):
            position = _after(text, "-->", position + 4)
        elif text.startswith("<?", position):
            position = _after(text, "?>", position + 2)
        elif text[position : position + 9].lower() == "<!doctype":
            position = _after_doctype(text, position + 9)
        else:
            position += 1
        if position < 0:
            break
    return -1


def _after_doctype(text: str, position: int) -> int:
    match = _SUBSET_OR_END.search(text, position)
    if not match or match[0] == ">":
        return match.end() if match else -1
    position = match.end()
    while match := _SUBSET.search(text, position):
        if match[0] == "]":
            return _after(text, ">", match.end())
        position = _after(text, _ENDS[match[0]], match.end())
        if position < 0:
            break
    return -1


def _after(text: str, end: str, position: int) -> int:
    found = text.find(end, position)
    return found + len(end) if found >= 0 else -1


def check_structure(text: str) -> None:
    """Refuse what some parsers read in time with the square of its size.

    How deep elements nest is left to the limits of sandbox.py: what is not well-formed has no
    depth that could be counted beforehand.

    Raises:
        ValueError: says what there is too much of.
    """
    for tag in _LONG_TAG.finditer(text):
        if tag[0].count("='") + tag[0].count('="') > MAX_ATTRIBUTES:
            raise ValueError(f"one of its elements has more than {MAX_ATTRIBUTES} attributes")


def root_name(text: str) -> str:
    """The first element's name, lower case; found step by step: a pattern could be made slow."""
    head, position = text[:20_000], 0
    while (start := head.find("<", position)) >= 0:
        if match := _FIRST_TAG.match(head, start):
            return match[1].lower()
        if _HTML_DOCTYPE.match(head, start):
            return "html"
        ending = next(
            (end for opening, end in _NOT_ELEMENTS if head.startswith(opening, start)), ">"
        )
        position = head.find(ending, start)
        if position < 0:
            return ""
    return ""


def what_came(text: str, body: bytes = b"") -> str:
    """What a document is that is no feed, for the editor; ``body`` is it before decoding."""
    for beginning, kind in _KINDS:
        if beginning.match(body):
            return f"it sent {kind}, not a feed"
    if not text.lstrip("\ufeff \t\r\n").startswith("<"):
        return "it sent plain text, not a feed"
    match root_name(text):
        case "":
            return "it sent plain text, not a feed"
        case "html":
            return "it sent a web page (HTML), not a feed"
        case "opml":
            return "it sent a list of feeds (OPML), not a feed"
        case "urlset" | "sitemapindex":
            return "it sent a sitemap, not a feed"
        case "svg":
            return "it sent a picture, not a feed"
        case root if root in _PAGE_PARTS:
            return "it sent a part of a web page, not a feed"
        case root:
            return f"it sent XML that is not a feed (<{root}>)"
