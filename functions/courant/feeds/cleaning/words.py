"""How long a text is and whether two say the same, in scripts with and without spaces.

Works on cleaned text and on nothing but the letters; what the words mean is nobody's here.
"""

from __future__ import annotations

import re

# Han, kana and their extensions: about two characters a word. Korean writes spaces.
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
# Thai, Lao, Burmese, Khmer: letters, without spaces between words.
_UNSPACED = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff]")
_DENSE_A_WORD = 2
_UNSPACED_A_WORD = 5
_SAMPLE_CHARS = 6_000
_TAG = re.compile("<[^<>]*>")
_LETTERS = re.compile(r"[^\W_]+")


def count_words(text: str) -> int:
    """The words of a text; in scripts without spaces, as many as would take as long to read."""
    if text.isascii() or not (_DENSE.search(text) or _UNSPACED.search(text)):
        return len(text.split())
    text, dense = _DENSE.subn(" ", text)
    text, unspaced = _UNSPACED.subn(" ", text)
    return len(_LETTERS.findall(text)) + dense // _DENSE_A_WORD + unspaced // _UNSPACED_A_WORD


def count_html_words(html: str) -> int:
    """About how many words an HTML text has: markup is only cut out, and a long text's beginning
    stands for the whole.
    """
    counted = count_words(_TAG.sub(" ", html[:_SAMPLE_CHARS]))
    return round(counted * max(len(html) / _SAMPLE_CHARS, 1))


def weight(text: str) -> int:
    """The characters of a text, where one that says as much as two counts as two."""
    return len(text) if text.isascii() else len(text) + len(_DENSE.findall(text))


def same_words(one: str, other: str) -> bool:
    """Whether two texts differ in no letter or digit, whatever their case and punctuation."""
    return one == other or _letters(one) == _letters(other)


def holds_words(whole: str, part: str) -> bool:
    """Whether the words of ``part`` stand in ``whole``, side by side."""
    return bool(letters := _letters(part)) and f" {letters} " in f" {_letters(whole)} "


def end_of_beginning(text: str, part: str) -> int:
    """Behind the words of ``part`` where a text begins with them; 0 if it does not."""
    wanted = _LETTERS.findall(part.casefold())
    end = 0
    found = _LETTERS.finditer(text)
    for word in wanted:
        match = next(found, None)
        if match is None or match[0].casefold() != word:
            return 0
        end = match.end()
    return end


def _letters(text: str) -> str:
    return " ".join(_LETTERS.findall(text.casefold()))


def kinship(title: str, text: str) -> float:
    """Which share of a title's words occurs in a text, 0 to 1; 1 for a title without words."""
    wanted = terms(title)
    return len(wanted & terms(text)) / len(wanted) if wanted else 1.0


def terms(text: str) -> set[str]:
    """What a text is about: its words, without those of one or two letters.

    In scripts without spaces, pairs of characters stand for words.
    """
    found: set[str] = set()
    for word in _LETTERS.findall(text.casefold()):
        if _DENSE.search(word) or _UNSPACED.search(word):
            found.update(word[at : at + 2] for at in range(max(1, len(word) - 1)))
        elif len(word) > 2 or word.isdigit():
            # "of", "in", "de": they are on every page.
            found.add(word)
    return found
