"""Cuts a rendered page into the fragments that a pressing keeps. Pure.

Cuts are marks that the templates set with ``cut(kind, id)``. Each mark, like each placeholder,
carries 128 random bits, so no article can forge one.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from courant.editions.pressing import Own, Piece, Placeholders, SectionPieces, StoryPieces
from courant.errors import CourantError

_START, _END = ["head", "greeting", "top"], ["dropped", "foot"]


class TemplateBroken(CourantError):
    """A template breaks a law of the pressing: a cut is missing, or a value stands out of place."""


@dataclass(frozen=True, slots=True)
class Cutter:
    """Sets the marks in a page and cuts at them."""

    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def mark(self, kind: str, id_: str = "") -> str:
        """The mark for a cut; in HTML it is a comment, in text a line that goes with the cut."""
        return f"<!--{self.nonce}:{kind}:{id_}-->"

    def pieces(self, page: str) -> Iterator[tuple[str, str, str]]:
        """``(kind, id, text after the mark)``; what is before any mark has the kind ``head``."""
        parts = re.split(self._pattern, page)
        yield "head", "", parts[0]
        yield from zip(parts[1::3], parts[2::3], parts[3::3], strict=True)

    def without_marks(self, page: str) -> str:
        """The page in one piece."""
        return re.sub(self._pattern, "", page)

    @property
    def _pattern(self) -> str:
        return rf"<!--{self.nonce}:(\w+):([^>]*?)-->\n?"


@dataclass(frozen=True, slots=True)
class Told:
    """What a cut needs to know of a story."""

    title: str
    articles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragments:
    """A page cut up."""

    head: Piece
    greeting: Piece
    top: Piece
    sections: tuple[SectionPieces, ...]
    dropped: Piece
    foot: Piece


def cut(
    cutter: Cutter,
    html: str,
    text: str,
    stories: Mapping[tuple[str, str], Told],
    limits: Mapping[str, int],
) -> Fragments:
    """Cut both pages at their marks; both must set the same marks in the same order.

    Args:
        stories: (section id, story id) → what is to be known of the story.
        limits: section id → how many stories it shows.

    Raises:
        TemplateBroken: a template lacks a mark, or the two pages disagree.
    """
    pieces: list[tuple[str, str, Piece]] = []
    nothing = ("nothing", "", "")
    for of_html, of_text in zip_longest(
        cutter.pieces(html), cutter.pieces(text), fillvalue=nothing
    ):
        if of_html[:2] != of_text[:2]:
            raise TemplateBroken(
                f"the HTML template cuts at {of_html[:2]}, the text template at {of_text[:2]}"
            )
        pieces.append((of_html[0], of_html[1], Piece.of(of_html[2], of_text[2])))
    kinds = [kind for kind, _, _ in pieces]
    if kinds[:3] != _START:
        raise TemplateBroken("a digest template must begin with cut('greeting') and cut('top')")
    if kinds[-2:] != _END:
        raise TemplateBroken("a digest template must end with cut('dropped') and cut('foot')")
    head, greeting, top, *middle, dropped, foot = pieces
    return Fragments(
        head=head[2],
        greeting=greeting[2],
        top=top[2],
        sections=tuple(_sections(middle, stories, limits)),
        dropped=dropped[2],
        foot=foot[2],
    )


def check_places(html: str, placeholders: Placeholders) -> None:
    """That every placeholder stands where the join can fill it in safely.

    The link to unsubscribe may only be a whole href, all other values only text: that is how the
    join escapes them.

    Raises:
        TemplateBroken: one stands elsewhere.
    """
    for name in Own.__dataclass_fields__:
        placeholder = getattr(placeholders, name)
        found = html.count(placeholder)
        if name == "unsubscribe_url":
            right = html.count(f'href="{placeholder}"')
            place = "be the whole value of an href"
        else:
            right = sum(text.count(placeholder) for text in re.findall(r">([^<>]*)", html))
            place = "stand in text only"
        if found != right:
            raise TemplateBroken(f"a digest template uses own.{name} out of place: it may {place}")


def _sections(
    pieces: list[tuple[str, str, Piece]],
    told: Mapping[tuple[str, str], Told],
    limits: Mapping[str, int],
) -> Iterator[SectionPieces]:
    section, opening = "", Piece.of("", "")
    lead: Piece | None = None
    stories: list[StoryPieces] = []
    for kind, id_, piece in pieces:
        match kind:
            case "section":
                section, opening, stories = id_, piece, []
            case "lead":
                lead = piece
            case "plain" if lead is not None:
                story = told[section, id_]
                stories.append(StoryPieces(id_, story.title, story.articles, lead, piece))
                lead = None
            case "close":
                yield SectionPieces(section, limits[section], opening, tuple(stories), piece)
            case _:
                raise TemplateBroken(f"a digest template sets an unexpected cut({kind!r})")
