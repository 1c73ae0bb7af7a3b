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

from courant.feeds.cleaning import mojibake
from courant.feeds.raw import RawText

TITLE_CHARS = 300
NAME_CHARS = 100
HEADLINE_CHARS = 100
# More than this of a text is not looked at: titles and summaries come from its beginning.
MAX_CHARS = 20_000

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
# Markup that somebody escaped once more than the format asks for.
_ESCAPED_ENTITY = re.compile(r"&(?:#x?[0-9a-fA-F]{1,6}|(?!lt;|gt;)[a-zA-Z]{2,8}[0-9]{0,2});")
_ESCAPED_INLINE = re.compile(
    r"<(b|i|em|strong|u|sup|sub|span|font)\b[^<>]{0,200}>.{0,400}?</\1>", re.IGNORECASE
)
# `unescape` makes a number of the digits, and Python refuses to from some thousands on.
_NO_CHARACTER = re.compile("&#[0-9]{8,};?")
_WORD = re.compile(r"[^\W\d_]+")
_BLANK_BRAILLE = "\u2800"
_ALIKE = tuple(
    re.compile(f"[{letters}]")
    for letters in ("A-Za-zÀ-ɏ", "\u0370-\u03ff\u1f00-\u1fff", "\u0400-\u052f")
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
# Of these, what Python calls printable.
_PRINTABLE_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffc]")
# Controls part words too.
_SPACED = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")
_TABLE = _REMOVED | _SPACED

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_MAX_MARKS = 4
_EMOJI = re.compile(
    "[\u00a9\u00ae\u200d\u20e3\u2190-\u2bff\u3030\u303d\ufe0f\U0001f000-\U0001faff]"
)
# Blocks in which there are no marks and no joiners: most texts need no look at each character.
_NO_MARKS = re.compile(
    "[\\x00-\\u02ff\\u0370-\\u0482\\u048a-\\u0590\\u05d0-\\u060f\\u061b-\\u064a\\u0660-\\u066f"
    "\\u0671-\\u06d5\\u06f0-\\u06ff\\u2010-\\u2027\\u2030-\\u205f\\u20a0-\\u20cf\\u2100-\\u2bff"
    "\\u3000-\\u3029\\u3030-\\u3098\\u309b-\\u9fff\\uac00-\\ud7a3\\uff00-\\uffef]*"
)
CUT_MARK = "…"


def clean_title(raw: RawText | None) -> str:
    """One line of at most 300 characters; "" if nothing is left."""
    return shorten(unescaped(text_of(raw)), TITLE_CHARS)


def clean_name(raw: RawText | None) -> str:
    """A person's or a feed's name: one line of at most 100 characters; "" if nothing is left."""
    return shorten(unescaped(text_of(raw)), NAME_CHARS)


def headline(text: str) -> str:
    """The beginning of a cleaned text, short enough to stand as a title."""
    return shorten(text, HEADLINE_CHARS)


def shows(text: str) -> bool:
    """Whether a reader sees anything of a cleaned text: not only marks, blanks and fillers."""
    return any(
        unicodedata.category(character)[0] in "LNPS" and character != _BLANK_BRAILLE
        for character in text
    )


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
    text = " ".join(text.split())
    if text.isascii():
        return text if text.isprintable() else " ".join(text.translate(_TABLE).split())
    if not text.isprintable() or _PRINTABLE_BLANK.search(text):
        text = " ".join(text.translate(_TABLE).split())
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if not _NO_MARKS.fullmatch(text):
        text = " ".join(_settle(text).split())
    return text


def mixes_scripts(text: str) -> bool:
    """Whether a word of a text mixes look-alike alphabets, as in a forged name.

    Latin, Greek and Cyrillic share shapes (UTS 39 §5.1); scripts that nobody confuses may mix.
    """
    return any(
        sum(bool(alphabet.search(word)) for alphabet in _ALIKE) > 1 for word in _WORD.findall(text)
    )


def text_of(raw: RawText | None, limit: int = MAX_CHARS) -> str:
    """A feed's text as plain text, as far as its first ``limit`` characters go."""
    if raw is None:
        return ""
    text = raw.value[:limit]
    if not text.isascii():
        # nh3 takes no lone surrogates, which JSON can hold.
        text = mojibake.mend(text.encode("utf-8", "replace").decode("utf-8"))
    if raw.is_html:
        text = strip(text)
    return plain_text(text)


def strip(html: str) -> str:
    """HTML without tags, entities and what readers don't read; it may still hold controls."""
    if "<" not in html:
        return unescape(_NO_CHARACTER.sub("", html)) if "&" in html else html
    if "<sup" in html:
        html = _FOOTNOTE.sub("", html)
    return unescape(_STRIP.clean(_BLOCK.sub(" <", html)))


def unescaped(text: str) -> str:
    """A name or title that was escaped twice, as it was meant."""
    if "&" in text and _ESCAPED_ENTITY.search(text):
        text = plain_text(_ESCAPED_ENTITY.sub(lambda entity: unescape(entity[0]), text))
    if "</" in text and _ESCAPED_INLINE.search(text):
        text = plain_text(strip(text))
    return text


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


def shorten(text: str, limit: int) -> str:
    """A cleaned text of at most ``limit`` characters, cut between words and marked."""
    if len(text) <= limit:
        return text
    room = limit - len(CUT_MARK)
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
    return text[:cut].rstrip(" ,;:–—-") + CUT_MARK
