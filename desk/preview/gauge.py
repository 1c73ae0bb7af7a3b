"""What a digest weighs, and which of its parts. Pure.

Weights are bytes of decoded HTML, as Gmail counts towards its clip; the mail itself is longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from courant.delivery import digest as digests
from courant.delivery.digest import Digest, Reader
from courant.editions.pressing import Pressing


@dataclass(frozen=True, slots=True)
class SectionWeight:
    """A section that is shown: its stories, its bytes, and the titles that did not fit."""

    id: str
    title: str
    stories: int
    size: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """A digest's bytes. What is in no section is the frame: styles, masthead, note and footer."""

    html: int
    text: int
    frame: int
    sections: tuple[SectionWeight, ...]


def weigh(pressing: Pressing, reader: Reader, digest: Digest, titles: Mapping[str, str]) -> Weights:
    """The weights of a digest that was joined for this reader. ``titles``: section id → title."""
    sheet = pressing.sheet(reader.locale)
    shown = set(digest.stories)
    weights = []
    for section, stories in digests.choose(sheet, reader):
        kept = [story for story in stories if story.id in shown]
        size = sum(
            (story.lead if story.id == digest.stories[0] else story.plain).size for story in kept
        )
        if kept:
            size += section.opening.size + section.closing.size
        if stories:
            left_out = tuple(story.title for story in stories if story.id not in shown)
            title = titles.get(section.id, section.id)
            weights.append(SectionWeight(section.id, title, len(kept), size, left_out))
    html = len(digest.html.encode())
    return Weights(
        html=html,
        text=len(digest.text.encode()),
        frame=html - sum(each.size for each in weights),
        sections=tuple(weights),
    )
