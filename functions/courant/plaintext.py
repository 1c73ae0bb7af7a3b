"""Plain text for people who read mail as text: lines of a width, whatever the script.

A column is what a terminal gives a Latin letter: Chinese and Japanese characters take two, accents
that stand on a letter take none. The standard library knows both, so no table of our own or of a
library's is needed; where it errs (emoji made of several), it counts too many columns, and the line
is short instead of long.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

WIDTH = 76

# White space where a line may end. Not the no-break spaces: French has one before "!".
_SPACE = re.compile(r"[^\S\u00a0\u2007\u202f]+")
# What a line begins with and keeps: spaces, and the mark of a list's item.
_LEAD = re.compile(r" *(?:(?:- |\d{1,9}\. )(?=[^\s]))?")
_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]*://|mailto:|www\.)", re.IGNORECASE)
# Scripts written without spaces, whose lines end between any two characters: Chinese, Japanese, Yi.
_SPACELESS = re.compile(
    "[\u2e80-\u2fff\u3000-\u312f\u3190-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uf900-\ufaff\ufe30-\ufe4f"
    "\uff01-\uff9f\U00020000-\U0003ffff]"
)
_GLUE = "\u00a0\u2007\u202f\u2060\ufeff"
# Beside what Unicode calls closing: stops, small kana, marks that lengthen or repeat.
_NOT_FIRST = frozenset(
    "!%,.:;?…‥·°℃、。〃〆々〻ゝゞヽヾー！％，．：；？～・｡､･ｰﾞﾟ〜゠–—'\""
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ" + _GLUE
)
_NOT_LAST = frozenset("'\"$£¥€＄￡￥#@" + _GLUE)


def wrap(text: str, width: int = WIDTH, indent: str = "", hang: str | None = None) -> str:
    """Text in lines of at most ``width`` columns, without a line end after the last.

    Line ends and the spaces that a line begins with are kept, so paragraphs and lists stay what
    they are; other white space is one space. A word is never broken, nor a link: one that is too
    long has a line of its own. ``indent`` stands before every line, except that ``hang``, if
    given, stands before those that continue one. The lines of a list item (``- ``) that continue
    it stand under its text.
    """
    lines: list[str] = []
    for line in text.splitlines():
        lines += _wrap_line(line, width, indent, indent if hang is None else hang)
    return "\n".join(lines).strip("\n")


def columns(text: str) -> int:
    """How many columns a line of text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(maxsize=4096)
def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _wrap_line(line: str, width: int, indent: str, hang: str) -> list[str]:
    lead = _LEAD.match(line)
    first = lead.group() if lead else ""
    words = [word for word in _SPACE.split(line[len(first) :]) if word]
    if not words:
        return [""]
    lines, current = [], indent + first
    room, empty = width - columns(current), True
    for word in words:
        for number, atom in enumerate(_atoms(word)):
            space = "" if number or empty else " "
            needed = len(space) + columns(atom)
            if needed > room and not empty:
                lines.append(current)
                current, space = hang + " " * len(first), ""
                room, needed = width - columns(current), columns(atom)
            current += space + atom
            room -= needed
            empty = False
    return [*lines, current]


def _atoms(word: str) -> list[str]:
    """What must stay together: a word, or a character of a script that has none."""
    link = _LINK.search(word)
    head, tail = (word[: link.start()], word[link.start() :]) if link else (word, "")
    if not head or not _SPACELESS.search(head):
        return [word]
    atoms = [head[0]]
    for before, character in pairwise(head):
        if _parts(before, character):
            atoms.append(character)
        else:
            atoms[-1] += character
    if tail:
        # What stands before a link belongs to it if it opens a bracket.
        if _parts(head[-1], tail[0]):
            atoms.append(tail)
        else:
            atoms[-1] += tail
    return atoms


def _parts(before: str, after: str) -> bool:
    """Whether a line may end between these two characters."""
    if not (_SPACELESS.match(before) or _SPACELESS.match(after)):
        return False
    if after in _NOT_FIRST or unicodedata.category(after) in ("Pe", "Pf", "Mn", "Mc", "Me", "Cf"):
        return False
    return before not in _NOT_LAST and unicodedata.category(before) not in ("Ps", "Pi")
