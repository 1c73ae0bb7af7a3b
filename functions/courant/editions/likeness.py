"""Whether two articles tell the same story, by their words alone. Pure.

Precision first: to miss a pair costs a reader one extra headline, to merge two unlike pieces hides
one of them. So a pair must agree in its own words; no list of names, no model, no knowledge of how
often a word is used. Figures: benchmarks/stories.py (issue 3 §3).

Two ideas carry it. A word weighs what its length says, since in every language the common words
are the short ones (Zipf's law of abbreviation); scripts without spaces are read as pairs of
characters. And a title is *explained* by an article when that article's title or lede has its
words: "Q2" against "Q3", one town against another, is a word that the other side does not explain.

News that two desks wrote in words of their own shares much of *all* it says, title and lede, while
each title keeps something to itself. Weighing words by how rare they are among the day's articles
was tried for this and found no more; so a verdict asks for the two articles only, and is the same
tomorrow.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rapidfuzz.distance import LCSseq

# All weights below are in letters beyond the first, as `weight` counts them. A title that shares
# less than _LITTLE, or fewer words than three, with another shares nothing worth calling a story.
_LITTLE = 12
# Under the very same title stand columns ("Letters to the editor") as well as news.
_TELLING_TITLE = 18
# Of both titles together so much must be shared; more where each has words that the other article
# does not explain, and those must be few: of a third of a title on both sides, a quarter on one.
SHARED, _SHARED_OPEN, _COMMON_OPEN = 0.5, 0.65, 20
_OPEN, _OPEN_BOTH, _OPEN_ONE = 12, 0.35, 0.25
# Wire copy: the shorter lede in the longer, word for word in order but for an edit here and there.
_WIRE, _WIRE_LEDE, _WIRE_EXPLAINS = 0.8, 40, 0.25
# Retold: what the titles must have in common with the other article, how near the two must be as a
# whole (cosine), and how much may be unexplained in the title that has less of it.
TOLD, _NEARNESS, _OPEN_RETOLD = 23, 0.44, 18
# From this share of words in common, titles may be of one mould ("Rovers beat United").
_MOULD_SHARED = 0.35
# Not looked up: "the", "is".
_LIGHT = 2
_LEDE_WORDS, _LEDE_TOLD = 60, 40
_STEM = 6
_EAST = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_SOUTH = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
# Python's \w leaves out the vowel signs of India's scripts, and would break their words in two.
_SIGNS = "\u0900-\u0963\u0970-\u09e5\u09f0-\u0d65\u0d70-\u0df3"
_WORD = re.compile(
    rf"\d+(?:[.,:/-]\d+)*|[{_EAST}]+|[{_SOUTH}]+|(?:(?![{_EAST}{_SOUTH}])(?:[^\W\d_]|[{_SIGNS}]))+"
)
# "Breaking: ", "Live | ": a word or two set before a title that stands without them.
_LEAD_IN = re.compile(r"^[^\W\d]+(?: [^\W\d]+)? ?[:|] (?=\S)")
# "Politics › ": where on the site it stands, which is no part of a title.
_CRUMB = re.compile(r"^[^\W\d]+(?: [^\W\d]+)? ?[›»] (?=\S)")
_EAST_RUN, _SOUTH_RUN = re.compile(f"[{_EAST}]"), re.compile(f"[{_SOUTH}]")
# Accents, Hebrew points and Arabic vowels: written or not, the word is the same.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0640\u0670]")


@dataclass(frozen=True)
class Words:
    """What an article says, as comparable words: of its title and of its lede, in order."""

    title: tuple[str, ...]
    lede: tuple[str, ...]
    bare: tuple[str, ...] = ()
    small: frozenset[str] = frozenset()

    @classmethod
    def of(cls, title: str, lede: str) -> Words:
        """The words of two plain texts."""
        title = _CRUMB.sub("", title)
        # "at" says nothing, "AZ" is a club; the "A" that opens a title is no "Group A".
        first, *rest = _WORD.findall(title) or [""]
        small = {word for word in rest if len(word) <= 2 and word.islower()}
        if len(first) == 1:
            small.add(first.lower())
        if not _is_readable(title):
            title = ""
        whole, lead_in = tuple(_split(title)), _LEAD_IN.match(title)
        return cls(
            title=whole,
            lede=tuple(_split(lede))[:_LEDE_WORDS],
            bare=tuple(_split(title[lead_in.end() :])) if lead_in else whole,
            small=frozenset(small),
        )

    @cached_property
    def titled(self) -> frozenset[str]:
        """The title's different words."""
        return frozenset(self.title)

    @cached_property
    def all(self) -> frozenset[str]:
        """The different words of title and lede."""
        return frozenset(self.title + self.lede)

    @cached_property
    def weight(self) -> int:
        """What the title's different words weigh."""
        return _weigh(self.titled)

    @cached_property
    def heavy(self) -> frozenset[str]:
        """The title's words of some length."""
        return frozenset(
            word for word in self.titled if weight(word) > _LIGHT or _SOUTH_RUN.match(word)
        )

    @cached_property
    def light(self) -> int:
        """What the title's other words weigh."""
        return self.weight - _weigh(self.heavy)

    @cached_property
    def direction(self) -> dict[str, float]:
        """Title and lede as a vector of length 1, by word."""
        times = Counter(self.title + self.lede[:_LEDE_TOLD])
        of_words = {
            word: (1 + math.log(count)) * math.sqrt(weight(word)) for word, count in times.items()
        }
        length = math.hypot(*of_words.values()) or 1
        return {word: value / length for word, value in of_words.items()}

    def open_to(self, other: Words) -> frozenset[str]:
        """Words of this title that the other article does not explain."""
        known = other.all
        return frozenset(
            word
            for at, word in enumerate(self.title)
            if word not in known and word not in self.small and not self._is_seam(at, known)
        )

    def _is_seam(self, at: int, known: frozenset[str]) -> bool:
        """厂火 of 糖厂火灾, where the other has 糖厂凌晨火灾: only a pair of what it has apart."""
        if not 0 < at < len(self.title) - 1 or not _EAST_RUN.match(self.title[at]):
            return False
        before, seam, after = self.title[at - 1 : at + 2]
        joined = before[-1] == seam[0] and seam[-1] == after[0]
        return joined and before in known and after in known


def alike(a: Words, b: Words) -> bool:
    """Whether two articles tell the same story, by their words alone."""
    if not a.weight or not b.weight:
        return False
    if a.title == b.title or a.bare == b.title or a.title == b.bare:
        same = min(a.bare, b.bare, key=len)
        if a.lede == b.lede and _weigh(a.lede) >= _TELLING_TITLE:
            return True
        return (len(same) >= 5 and _weigh(set(same)) >= _TELLING_TITLE) or _is_wire(a, b)
    shared = frozenset(word for word in a.titled & b.titled if weight(word))
    common = _weigh(shared)
    ratio = 2 * common / (a.weight + b.weight)
    open_a, open_b = a.open_to(b), b.open_to(a)
    is_wire = _is_wire(a, b)
    one_mould = ratio >= _MOULD_SHARED and _of_one_mould(a, b, shared)
    is_retold = not one_mould and _is_retold(a, b, open_a, open_b)
    if _numbers_differ(a, b) and not is_wire:
        return is_retold
    if open_a and open_b and one_mould:
        return False
    if is_wire or is_retold:
        return True
    if len(shared) < 3 or common < _LITTLE or ratio < SHARED:
        return False
    if not open_a and not open_b:
        return not _turned_about(a, b)
    left = _weigh(a.titled - b.all), _weigh(b.titled - a.all)
    most = max(left[0] / a.weight, left[1] / b.weight)
    if not open_a or not open_b:
        # A word put in between makes it another thing ("… simulator", "… simulator, revised").
        return most <= _OPEN_ONE and not one_mould
    return (
        ratio >= _SHARED_OPEN
        and common >= _COMMON_OPEN
        and most <= _OPEN_BOTH
        and max(left) <= _OPEN
    )


def _is_wire(a: Words, b: Words) -> bool:
    """Whether both are one agency's copy under titles of their own, drawn from that copy."""
    if min(_weigh(a.lede), _weigh(b.lede)) < _WIRE_LEDE:
        return False
    shorter = min(len(a.lede), len(b.lede))
    if LCSseq.similarity(a.lede, b.lede) < _WIRE * shorter:
        return False
    # A lede that does not speak of its title is boilerplate ("Sign up for our newsletter").
    both = frozenset(a.lede) & frozenset(b.lede)
    return all(_weigh(each.titled & both) >= _WIRE_EXPLAINS * each.weight for each in (a, b))


def _is_retold(a: Words, b: Words, open_a: frozenset[str], open_b: frozenset[str]) -> bool:
    """Whether both tell the same in words of their own."""
    if told(a, b) < TOLD or a.titled <= b.titled or b.titled <= a.titled:
        # With nothing of its own: what one puts in ("not", "part two") makes it another thing.
        return False
    # "5 dead" may be "five dead" there, but is not "3 dead".
    if all(any(word[0].isdigit() for word in words) for words in (open_a, open_b)):
        return False
    if min(_weigh(open_a), _weigh(open_b)) > _OPEN_RETOLD:
        return False
    of_a, of_b = a.direction, b.direction
    return math.fsum(of_a[word] * of_b[word] for word in of_a.keys() & of_b.keys()) >= _NEARNESS


def told(a: Words, b: Words) -> int:
    """What the words weigh that one's title and the other's title or lede have in common."""
    return _weigh((a.titled & b.all) | (b.titled & a.all))


def _numbers_differ(a: Words, b: Words) -> bool:
    """Q2 and Q3, "episode 12" and none; also "3 dead" and "5 dead": precision first."""
    of_a = {word for word in a.titled - b.titled if word[0].isdigit()}
    of_b = {word for word in b.titled - a.titled if word[0].isdigit()}
    return bool(of_a and of_b) or not (of_a <= b.all and of_b <= a.all)


def _of_one_mould(a: Words, b: Words, shared: frozenset[str]) -> bool:
    """Whether the shared words stand in the same order, as in columns and match reports.

    Two desks that write of one thing put its words in an order of their own.
    """
    times = Counter(a.title) + Counter(b.title)
    once = {word for word in shared if times[word] == 2}
    return [word for word in a.title if word in once] == [word for word in b.title if word in once]


def _turned_about(a: Words, b: Words) -> bool:
    """As "Rovers beat United" is in "United beat Rovers": the same words, two in other places."""
    of_a, of_b = (
        [word[0] if _EAST_RUN.match(word) else word for word in each.title if weight(word) > 1]
        for each in (a, b)
    )
    if sorted(of_a) != sorted(of_b):
        return False
    while of_a and of_a[0] == of_b[0]:
        del of_a[0], of_b[0]
    while of_a and of_a[-1] == of_b[-1]:
        del of_a[-1], of_b[-1]
    # What changes places is a name, and stands around what keeps its own: A x B, B x A.
    ends = (1, 2)
    return any(
        of_a[-right:] + of_a[left:-right] + of_a[:left] == of_b
        for left in ends
        for right in ends
        if left + right < len(of_a)
    )


def _is_readable(title: str) -> bool:
    # Text that was decoded wrongly twice is single letters between signs; they tell nothing.
    words = _WORD.findall(_fold(title))
    said = sum(len(word) for word in words if len(word) > 1 or _EAST_RUN.match(word))
    return 2 * said >= len("".join(title.split()))


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = _MARKS.sub("", unicodedata.normalize("NFD", folded))
    return unicodedata.normalize("NFC", folded)


def _split(text: str) -> Iterator[str]:
    for run in _WORD.findall(_fold(text)):
        if run[0].isdigit():
            yield run
        elif _EAST_RUN.match(run) or _SOUTH_RUN.match(run):
            yield from (run[at : at + 2] for at in range(max(len(run) - 1, 1)))
        else:
            # Endings differ by case and number; the Arabic article is written onto its word.
            bare = run[2:] if run.startswith("ال") and len(run) > 4 else run
            yield bare[:_STEM]


def _weigh(words: Iterable[str]) -> int:
    return sum(map(weight, words))


@lru_cache(2**16)
def weight(word: str) -> int:
    """What a word says, in letters beyond the first."""
    if word[0].isdigit():
        return 5
    if _EAST_RUN.match(word):
        return 3
    return 1 if _SOUTH_RUN.match(word) else len(word) - 1
