"""As much of a summary as there is room for, ended where a reader may stop. Pure."""

import re
from collections.abc import Iterator

# A stop, what closes with it, and the white space behind; CJK writes none.
_STOP = re.compile(r"([.!?…؟۔]['\"”’»)\]]*)\s+|([。！？][」』”]?)")
_OPENS = "¿¡“”„«‹‘’'\"(["
# Words before whose dot a sentence seldom ends; those of one or two letters are known by that.
_ABBREVIATIONS = frozenset(
    [
        *("vs", "ca", "cf", "bzw", "resp", "bijv", "nr", "av"),
        *("mrs", "prof", "gov", "sen", "rep", "gen", "col", "capt", "sgt", "rev", "hon"),
        *("mme", "mlle", "dhr", "mevr", "drs", "sra", "dra"),
        *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"),
    ]
)
_PAUSE = re.compile(r"[,;:،؛](?= )|(?= [–—] )")
# A teaser that says less than this takes a second sentence.
_TERSE = 40


def shorten(text: str, limit: int) -> str:
    """A text of at most ``limit`` characters: whole sentences if they fill it well, else words."""
    if len(text) <= limit:
        return text
    end = max((end for end in _ends(text) if end <= limit), default=0)
    return text[:end] if end >= limit * 3 // 5 else _torn(text, limit)


def teaser(text: str, limit: int) -> str:
    """The first sentence, or two if it is a short one; as many of its words as fit."""
    end = 0
    for each in (*_ends(text), len(text)):
        if end >= _TERSE or each > limit:
            break
        end = each
    return text[:end] if end or not text else _torn(text, limit)


def _ends(text: str) -> Iterator[int]:
    """Where sentences end, by all one can tell: “Gov. Ames” and “am 3. Mai” end none."""
    for stop in _STOP.finditer(text):
        if stop[2]:
            yield stop.end()
            continue
        follows = text[stop.end() :].lstrip(_OPENS)[:1]
        if not follows or follows.islower():
            continue
        word = text[: stop.start()].rpartition(" ")[2].strip(_OPENS)
        if text[stop.start()] == "." and (
            "." in word
            or len(word) == 1
            or (len(word) == 2 and word.istitle())
            or (len(word) <= 2 and word.isdigit())
            or word.casefold() in _ABBREVIATIONS
        ):
            continue
        yield stop.end(1)


def _torn(text: str, limit: int) -> str:
    """Cut between words, at a pause if there is one near the end, and marked."""
    cut = text.rfind(" ", limit // 2, limit)
    if cut < 0:
        return text[: limit - 1] + "…"
    pauses = [stop.start() for stop in _PAUSE.finditer(text, limit * 2 // 3, cut)]
    return text[: pauses[-1] if pauses else cut].rstrip(" .,;:،؛–—-") + "…"
