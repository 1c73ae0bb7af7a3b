"""Who shows what: stories dealt to the sections of one digest. Pure.

One rule for a reader's own sections (delivery/digest.py) and for the whole edition (select.py).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

S = TypeVar("S")


def deal(
    sections: Iterable[tuple[int, Sequence[S]]], articles: Callable[[S], Iterable[str]]
) -> list[tuple[S, ...]]:
    """What each section shows: its best stories, as many as its limit, none told before it.

    Args:
        sections: (limit, stories, best first) in the order in which they are read.
        articles: a story → ids of all articles that tell it. Two stories are the same where they
            share one: sections may have found different leads.
    """
    told: set[str] = set()
    dealt: list[tuple[S, ...]] = []
    for limit, stories in sections:
        mine: list[S] = []
        for story in stories:
            if len(mine) == limit:
                break
            ids = articles(story)
            if told.isdisjoint(ids):
                mine.append(story)
                told.update(ids)
        dealt.append(tuple(mine))
    return dealt
