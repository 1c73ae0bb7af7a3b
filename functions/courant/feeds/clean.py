"""Strangers' HTML and text → plain text that is safe to print.

The result is one line without markup, entities, controls, direction overrides or invisible
characters, in NFC. It is plain text: whoever puts it into HTML escapes it there. Pictures are
images.py's; what a text means is nobody's here.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

import nh3

from courant.feeds.raw import RawText

TITLE_CHARS = 300
SUMMARY_CHARS = 320
NAME_CHARS = 100
HEADLINE_CHARS = 100
# More than this of a text is not looked at: a summary comes from its beginning.
_HTML_CHARS = 20_000

_STRIP = nh3.Cleaner(
    tags=set(),
    attributes={},
    # What readers don't read, with all that is in it. Foreign namespaces (svg, math) are where
    # sanitisers get confused.
    clean_content_tags={
        *("script", "style", "template", "noscript", "iframe", "object", "svg", "math", "head"),
        *("audio", "video", "button", "select", "textarea", "figcaption"),
    },
)
# Tags that part words; without a space, "<p>one</p><p>two</p>" would read "onetwo".
_BLOCK = re.compile(
    r"<(?=/?(?:p|div|br|li|ul|ol|dl|dt|dd|h[1-6]|tr|td|th|table|blockquote|section|article|figure"
    r"|header|footer|pre|hr|img)\b)",
    re.IGNORECASE,
)
# Footnote marks stand against a word and would read as part of it: "typical1".
_FOOTNOTE = re.compile(r"<sup\b[^>]{0,200}>\s*<a\b.{0,400}?</sup>", re.IGNORECASE | re.DOTALL)
# The tails that blog software writes under every excerpt.
_TAIL = re.compile(
    r"\s*(?:The post .{1,300} (?:appeared first on|first appeared on) .{1,200}"
    r"|(?:Continue reading|Read more|Read the full (?:story|article))\b.{0,200}"
    r"|\[(?:…|\.\.\.|&hellip;)\].{0,100})$"
)

_REMOVED = dict.fromkeys(
    (
        *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B, 0x200E, 0x200F),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *(0x3164, 0xFEFF, 0xFFA0),
        *range(0xFFF9, 0xFFFD),
        *range(0xFDD0, 0xFDF0),
        *(plane + last for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)),
        *range(0x1D173, 0x1D17B),
        *range(0xE0000, 0xE0080),
        *range(0xD800, 0xE000),
    )
)
# Controls part words too.
_SPACED = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")
_TABLE = _REMOVED | _SPACED

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_MAX_MARKS = 4
_EMOJI = re.compile(
    "[\u00a9\u00ae\u200d\u20e3\u2190-\u2bff\u3030\u303d\ufe0f\U0001f000-\U0001faff]"
)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*(?=\s)|[。！？][」』”）]*")
_CUT_MARK = "…"


def clean_title(raw: RawText | None) -> str:
    """One line of at most 300 characters; "" if nothing is left."""
    return _shorten(_plain(raw), TITLE_CHARS)


def clean_name(raw: RawText | None) -> str:
    """A person's or a feed's name: one line of at most 100 characters; "" if nothing is left."""
    return _shorten(_plain(raw), NAME_CHARS)


def clean_summary(raw: RawText | None) -> str:
    """The beginning of a text, cut after a sentence if one ends in time; "" if nothing is left."""
    text = _TAIL.sub("", _plain(raw))
    if len(text) <= SUMMARY_CHARS:
        return text
    ends = [
        match.end()
        for match in _SENTENCE_END.finditer(text, 0, SUMMARY_CHARS + 1)
        if match.end() <= SUMMARY_CHARS
    ]
    # A first sentence of three words ("Breaking news.") is no summary.
    if ends and ends[-1] >= SUMMARY_CHARS // 3:
        return text[: ends[-1]]
    return _shorten(text, SUMMARY_CHARS)


def headline(text: str) -> str:
    """The beginning of a cleaned text, short enough to stand as a title."""
    return _shorten(text, HEADLINE_CHARS)


def clean_language(tag: str) -> str | None:
    """A language tag (BCP 47) that looks like one, else None."""
    tag = tag.strip().replace("_", "-")
    return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", tag) else None


def clean_author(names: tuple[str, ...]) -> str | None:
    """Whom to name: up to three people, never a mail address."""
    cleaned = (clean_name(RawText(name)) for name in names)
    people = list(dict.fromkeys(name for name in cleaned if name and "@" not in name))
    return ", ".join(people[:3]) or None


def plain_text(text: str) -> str:
    """One line in NFC without controls, direction overrides or invisible characters.

    Joiners stay where scripts and emoji need them; at most four marks stay on a character.
    """
    text = text.translate(_TABLE)
    if not text.isascii():
        text = _settle(unicodedata.normalize("NFC", text))
    return " ".join(text.split())


def _plain(raw: RawText | None) -> str:
    if raw is None:
        return ""
    # nh3 takes no lone surrogates, which JSON can hold.
    text = raw.value[:_HTML_CHARS].encode("utf-8", "replace").decode("utf-8")
    if raw.is_html and ("<" in text or "&" in text):
        text = unescape(_STRIP.clean(_BLOCK.sub(" <", _FOOTNOTE.sub("", text))))
    return plain_text(text)


def _settle(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for index, character in enumerate(text):
        if character in {_ZWNJ, _ZWJ}:
            after = text[index + 1] if index + 1 < len(text) else ""
            if not (kept and after and _joins(character, kept[-1], after)):
                continue
        # Stacked marks ("zalgo") run over the lines above and below.
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= _MAX_MARKS:
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def _joins(joiner: str, before: str, after: str) -> bool:
    if {before, after} & {_ZWNJ, _ZWJ}:
        return False
    if joiner == _ZWJ and _EMOJI.match(before) and _EMOJI.match(after):
        return True
    # Persian parts words with a non-joiner, Indic scripts choose the form of a conjunct.
    return unicodedata.category(before)[0] in "LM" and unicodedata.category(after)[0] in "LM"


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    room = limit - len(_CUT_MARK)
    cut = text.rfind(" ", room // 2, room + 1)
    if cut < 0:
        # One long word, or a script without spaces: never between a character and its marks.
        cut = room
        while cut > 0 and (
            unicodedata.category(text[cut])[0] == "M"
            or {text[cut], text[cut - 1]} & {_ZWJ, _ZWNJ}
            or "\U0001f3fb" <= text[cut] <= "\U0001f3ff"
        ):
            cut -= 1
    return text[:cut].rstrip(" ,;:–—-") + _CUT_MARK
