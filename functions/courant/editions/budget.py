"""Keeps a digest under the size at which Gmail clips it (about 102 kB of decoded HTML).

Pure. The lowest-ranked stories go first, never a whole chosen section while another has more than
one left. Gmail's limit is folklore with a long record: hteumeuleu/email-bugs#41.
"""

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heapreplace

from courant.editions.pressing import (
    Own,
    Piece,
    Placeholders,
    SectionPieces,
    Sheet,
    StoryPieces,
)

# Decoded bytes of HTML. Gmail hides what comes after some 102 kB, the unsubscribe link first.
LIMIT = 100_000
# What of a reader's own goes into the page, in characters. An inbox shows some 90 of a preheader.
SUBJECT, PREHEADER, NAME = 150, 140, 60
# The most each comes to in bytes of HTML: when all of its characters are ampersands.
_OWN_BYTES = Own(
    subject="&amp;" * SUBJECT,
    preheader="&amp;" * PREHEADER,
    name="&amp;" * NAME,
    unsubscribe_url="&amp;" * 200,
    dropped="&amp;" * 150,
)

Chosen = tuple[SectionPieces, tuple[StoryPieces, ...]]


def fit(sheet: Sheet, chosen: Sequence[Chosen], limit: int = LIMIT) -> tuple[Chosen, ...]:
    """The chosen stories with as many of the lowest-ranked left out as must be.

    Sections that lost their last story are left out whole.
    """
    kept = [(section, list(stories)) for section, stories in chosen if stories]
    frame = (sheet.head, sheet.greeting, sheet.top, sheet.foot, sheet.dropped)
    room = limit - sheet.own_size - sum(piece.size for piece in frame)
    size = _size(kept) if kept else 0
    # The fullest section gives; among equals the last, which the reader sees last.
    fullest = [(-len(stories), -at) for at, (_, stories) in enumerate(kept)]
    heapify(fullest)
    # Counted down, not anew: the very first story, which alone is large, is the last to go.
    while fullest and size > room:
        count, at = fullest[0]
        section, stories = kept[-at]
        size -= stories.pop().plain.size
        if stories:
            heapreplace(fullest, (count + 1, at))
        else:
            heappop(fullest)
            size -= section.opening.size + section.closing.size
    return tuple((section, tuple(stories)) for section, stories in kept if stories)


def own_size(frame: Iterable[Piece], placeholders: Placeholders) -> int:
    """The most that a reader's own values add to these pieces, in bytes of HTML."""
    return sum(
        piece.html.count(getattr(placeholders, name)) * len(getattr(_OWN_BYTES, name))
        for piece in frame
        for name in Own.__dataclass_fields__
    )


def _size(kept: Sequence[tuple[SectionPieces, Sequence[StoryPieces]]]) -> int:
    first = kept[0][1][0]
    return (
        first.lead.size
        - first.plain.size
        + sum(
            section.opening.size + section.closing.size + sum(story.plain.size for story in stories)
            for section, stories in kept
        )
    )
