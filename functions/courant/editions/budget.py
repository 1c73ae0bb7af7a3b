"""Keeps a digest under the size at which Gmail clips it (about 102 kB of decoded HTML).

Pure. The lowest-ranked stories go first, never a whole chosen section while another has more than
one left. Gmail's limit is folklore with a long record: hteumeuleu/email-bugs#41.
"""

from collections.abc import Sequence

from courant.editions.pressing import Pressing, StoryPieces

# Decoded bytes of HTML. Gmail hides what comes after some 102 kB, the unsubscribe link first.
LIMIT = 100_000
# Room for what a reader's own values add to the page: subject, preheader, links.
_OWN_VALUES = 2_500

Chosen = tuple[str, tuple[StoryPieces, ...]]


def fit(pressing: Pressing, chosen: Sequence[Chosen], limit: int = LIMIT) -> tuple[Chosen, ...]:
    """The chosen stories, by section id, with as many of the lowest-ranked left out as must be.

    Sections that lost their last story are left out whole.
    """
    sections = {section.id: section for section in pressing.sections}
    kept = [(id_, list(stories)) for id_, stories in chosen if stories]
    size = sum(part.size for part in (pressing.head, pressing.foot, pressing.dropped)) + _OWN_VALUES
    for id_, some in chosen:
        section = sections[id_]
        size += section.opening.size + section.closing.size
        # Only the first is shown large; counting all so errs to the safe side.
        size += sum(max(story.lead.size, story.plain.size) for story in some)
    while size > limit and kept:
        # The fullest section gives; among equals the last, which the reader sees last.
        position = max(range(len(kept)), key=lambda at: (len(kept[at][1]), at))
        id_, stories = kept[position]
        story = stories.pop()
        size -= max(story.lead.size, story.plain.size)
        if not stories:
            section = sections[id_]
            size -= section.opening.size + section.closing.size
            del kept[position]
    return tuple((id_, tuple(stories)) for id_, stories in kept)
