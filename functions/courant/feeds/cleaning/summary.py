"""A text → the beginning that stands for it: whole sentences, without what software writes below.

Pure; the cleaning is clean.py's, the list of tails rules/tails.txt.
"""

from __future__ import annotations

import re
from html import unescape

from courant.feeds.cleaning import clean, rules, words
from courant.feeds.cleaning.clean import CUT_MARK, plain_text
from courant.feeds.raw import RawText

SUMMARY_CHARS = 320
# So much of it nearly always has enough words; markup that goes on is cut off like a torn page.
_FIRST_CHARS = 3_000
_FIRST_WORDS = 2 * SUMMARY_CHARS

# The tails that blog software writes under every excerpt, in the last part of a text: behind a
# blank or the end of a sentence, which spares the search most places.
_TAIL = re.compile(
    r"(?:(?<!\S)|(?<=[.!?…)\]。！？）」]))(?:" + "|".join(rules.lines("tails.txt")) + ")$"
)
_TAIL_CHARS = 450
# What aggregators send for a text: a list of other people's headlines.
_LINKS = re.compile(r"\s*<[ou]l>\s*<li>\s*<a href=", re.IGNORECASE)
# WordPress's own markup, where a theme forgot to carry it out: [vc_row css="…"], [/caption].
_SHORTCODE = re.compile(
    r"(?:(?<![\w)])\[|\[/)(?:[a-z]+(?:_[a-z0-9]+)+|caption|gallery|embed|audio|video|playlist)\b[^\[\]]{0,2000}\]"
)
# A whole text that somebody escaped once more than the format asks for.
_ESCAPED_BLOCK = re.compile(
    r"\s*<(?:p|div|a|img|br|table|span|strong|b|em|h[1-6])\b[^<>]{0,500}>", re.IGNORECASE
)

_TAG = re.compile("<[^<>]*>")
# Where a sentence may end: ASCII and its kin need a space behind them, or "3.5" would be two.
SENTENCE_END = re.compile(
    r"(?:[.!?…\u061f\u06d4\u0964\u0965\u0589\u1362\u104b\u17d4]+[\"'”’»)\]]*(?=\s|$)"
    r"|[。！？｡．]+[」』”）】]*)"
)
# Dots behind these end no sentence.
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sen|Rep|Gov|Gen|Lt|Col|Sgt|Jr|Sr|vs|No|Nos|Vol|Fig|cf|ca|etc|e\.g|i\.e"
    r"|Inc|Ltd|Co|Corp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|bzw|z\.B|d\.h|u\.a|Nr|bijv|o\.a|M|Mme"
    r"|p\.ej|Sra?|Dra?|т\.е|т\.д|им|ул|гг?)|\b[A-ZÀ-ÞА-Я])\.$"
)
# Dots where a text was torn off rather than ended.
_TORN = re.compile(r"\s*(?:…|\.{2,5})[\"'”’»)\]]*$")
# Sentences whose space was lost: "the Union.Speaking to". Parts of programs are written so too
# ("System.In"): only a word that opens sentences, with prose behind it, is parted, and a short one
# only from a word in small letters.
_GLUED = re.compile(
    r"(?<![\w./:@'’-])((?:[a-z]|[A-Z](?![\w'’-]*[.!?](?:In|On|At|As|By|For|From|With|All|If|An)\b))"
    r"[\w'’-]*[a-z]{2}[.!?])(?=(?:" + "|".join(rules.lines("openers.txt")) + r")(?:, | [a-z0-9]))"
)
# What parts a title that stands by itself from the text below it.
_LINE_END = re.compile(r"</?(?:h[1-6]|p|div|li|header|section|tr|td|br)\b[^<>]*>|\n", re.IGNORECASE)
_LINES = 6
_TITLE_END = re.compile(r"[^\w\s\"'“‘«„(\[<]*(?:[.:!?…|。：！？]|\s[-–—·])[\"'”’»)\]]*(?=\s|$)")
# What a title's last word leaves: signs, and quotation marks that don't open what follows.
_REST = re.compile(r"\s*[^\w\s@#$€£(\[<\"'“‘«„]*(?:[\"'”’»)\]]+(?=\s))?\s*(?:[-–—·|:]\s+)?")


def clean_summary(raw: RawText | None, title: str = "") -> str:
    """The beginning of a text, cut after a sentence if one ends in time; "" if nothing is left.

    If the text begins with ``title`` once more, as a heading of its own, it begins behind it.
    """
    text = without_title(_beginning(raw), title, raw)
    text = _GLUED.sub(r"\1 ", text)
    # A tail so far behind will be cut off with what stands before it.
    far = len(text) > SUMMARY_CHARS + _TAIL_CHARS
    bare = text if far else _without_tails(text)
    if len(bare) <= SUMMARY_CHARS and not _is_torn(bare, torn=bare != text):
        return bare
    return cut(bare, SUMMARY_CHARS)


def without_title(text: str, title: str, raw: RawText | None) -> str:
    """A cleaned text without the title that it begins with, unless that begins its first sentence.

    It surely does not where it is alone in its line of ``raw``, or ends like a sentence or heading.
    """
    end = words.end_of_beginning(text, title)
    if end == 0:
        return text
    ended = _TITLE_END.match(text, end)
    rest = _REST.sub("", text[ended.end() if ended else end :], count=1)
    if not rest or rest[0].islower() or not (ended or (raw and _is_line(raw, title))):
        return text
    return rest


def _is_line(raw: RawText, title: str) -> bool:
    for line in _LINE_END.split(raw.value[:_FIRST_CHARS].lstrip(), maxsplit=_LINES):
        if text := clean.text_of(RawText(line, is_html=raw.is_html)):
            return words.same_words(text, title)
    return False


def cut(text: str, limit: int) -> str:
    """The beginning of a cleaned text, up to the last sentence that ends within ``limit``."""
    ends = [
        match.end()
        for match in SENTENCE_END.finditer(text, 0, limit + 2)
        if match.end() <= limit
        and not _ABBREVIATION.search(text, max(0, match.end() - 8), match.end())
    ]
    # Three dots that stand where a text was torn end nothing.
    while ends and _TORN.search(text, max(0, ends[-1] - 5), ends[-1]):
        ends.pop()
    # A first sentence of three words ("Breaking news.") is no summary.
    if ends and ends[-1] >= limit // 3:
        return text[: ends[-1]]
    torn = _TORN.sub("", text)
    if len(torn) <= limit and SENTENCE_END.search(torn, max(0, len(torn) - 4)):
        return torn
    return clean.shorten(torn.rstrip(" ,;:–—-") + CUT_MARK, limit)


def is_whole(raw: RawText) -> bool:
    """Whether a text ends by itself rather than torn off, with a link to the rest."""
    end = raw.value[-2 * _TAIL_CHARS :]
    text = plain_text(unescape(_TAG.sub(" ", end)) if raw.is_html else end)
    bare = _without_tails(text)
    return not _is_torn(bare, torn=bare != text)


def _beginning(raw: RawText | None) -> str:
    """A text as far as a summary may need it."""
    if raw is None or (raw.is_html and _LINKS.match(raw.value)):
        return ""
    text = clean.text_of(raw, _FIRST_CHARS)
    if len(raw.value) > _FIRST_CHARS and len(text) < _FIRST_WORDS:
        text = clean.text_of(raw)
    if raw.is_html and _ESCAPED_BLOCK.match(text):
        text = plain_text(clean.strip(text))
    if "[" in text and _SHORTCODE.search(text):
        text = plain_text(_SHORTCODE.sub(" ", clean.text_of(raw)))
    return clean.unescaped(text)


def _without_tails(text: str) -> str:
    for _ in range(4):
        start = max(0, len(text) - _TAIL_CHARS)
        tail = _TAIL.search(text, start)
        if tail is None:
            break
        text = text[: tail.start()].rstrip()
    return text


def _is_torn(text: str, *, torn: bool) -> bool:
    if _TORN.search(text, max(0, len(text) - 10)):
        return True
    return torn and bool(text) and not SENTENCE_END.search(text, max(0, len(text) - 4))
