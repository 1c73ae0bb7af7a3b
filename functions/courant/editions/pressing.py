"""A pressing: a page rendered and inlined once, cut into fragments, frozen.

A reader's digest is a join of these strings (delivery/digest.py). Pure: nothing here touches S3.
Cuts are marks that the templates set with ``cut(kind, id)``; each mark, like each placeholder,
carries 128 random bits, so no article can forge one.
"""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any

from courant.clock import from_stamp, stamp
from courant.errors import CourantError
from courant.schedule import EditionId, Slot


class CutMissing(CourantError):
    """A template does not set the cuts that a pressing is made of."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The same part of the page, as HTML and as plain text."""

    html: str
    text: str

    @property
    def size(self) -> int:
        """Bytes of HTML, decoded, as Gmail counts towards its clip."""
        return len(self.html.encode())


@dataclass(frozen=True, slots=True)
class StoryPieces:
    """A story in both its forms: large, as the digest's first, and plain."""

    id: str
    title: str
    lead: Piece
    plain: Piece


@dataclass(frozen=True, slots=True)
class SectionPieces:
    """A section: its opening, its stories (best first), its closing."""

    id: str
    opening: Piece
    stories: tuple[StoryPieces, ...]
    closing: Piece


@dataclass(frozen=True, slots=True)
class Placeholders:
    """What stands in the page where a reader's own values will."""

    subject: str
    preheader: str
    unsubscribe_url: str
    dropped: str

    @classmethod
    def fresh(cls) -> "Placeholders":
        """Four placeholders nobody can guess, made of what survives URLs and HTML unescaped."""
        return cls(*(f"c{secrets.token_hex(16)}c" for _ in range(4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Masthead:
    """What the mail's headers need to know of the newsletter, frozen with the pressing."""

    newsletter: str
    title: str
    language: str
    sender_name: str
    sender_address: str
    reply_to: str | None
    dropped_one: str
    dropped_other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressing:
    """One instant of an edition for slots that have had the same before."""

    masthead: Masthead
    placeholders: Placeholders
    slots: tuple[Slot, ...]
    articles: frozenset[str]
    head: Piece
    sections: tuple[SectionPieces, ...]
    dropped: Piece
    foot: Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What S3 keeps for one instant of an edition; written once, adopted by whoever comes later.

    ``cut_at`` is when the audience is cut: who subscribed later is in the next one.
    """

    edition: EditionId
    instant: datetime
    cut_at: datetime
    pressings: tuple[Pressing, ...]

    def to_json(self) -> str:
        """As S3 keeps it."""
        return json.dumps(
            {
                "edition": str(self.edition),
                "instant": stamp(self.instant),
                "cut_at": stamp(self.cut_at),
                "pressings": [_pressing_to_dict(pressing) for pressing in self.pressings],
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> "Frozen":
        """What ``to_json`` wrote."""
        data = json.loads(text)
        return cls(
            edition=EditionId.parse(data["edition"]),
            instant=from_stamp(data["instant"]),
            cut_at=from_stamp(data["cut_at"]),
            pressings=tuple(_pressing_from_dict(item) for item in data["pressings"]),
        )


@dataclass(frozen=True, slots=True)
class Cutter:
    """Sets the marks in a page and cuts at them."""

    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def mark(self, kind: str, id_: str = "") -> str:
        """The mark for a cut; in HTML it is a comment, in text a line that goes with the cut."""
        return f"<!--{self.nonce}:{kind}:{id_}-->"

    def pieces(self, page: str) -> Iterator[tuple[str, str, str]]:
        """``(kind, id, text after the mark)``; what is before any mark has the kind ``head``."""
        parts = re.split(rf"<!--{self.nonce}:(\w+):([^>]*?)-->\n?", page)
        yield "head", "", parts[0]
        yield from zip(parts[1::3], parts[2::3], parts[3::3], strict=True)


@dataclass(frozen=True, slots=True)
class Fragments:
    """A page cut up: what a Pressing holds, before it is signed with masthead and slots."""

    head: Piece
    sections: tuple[SectionPieces, ...]
    dropped: Piece
    foot: Piece


def cut(cutter: Cutter, html: str, text: str, titles: dict[str, str]) -> Fragments:
    """Cut both pages at their marks; both must set the same marks in the same order.

    Raises:
        CutMissing: a template lacks a mark, or the two pages disagree.
    """
    pieces: list[tuple[str, str, Piece]] = []
    nothing = ("nothing", "", "")
    for of_html, of_text in zip_longest(
        cutter.pieces(html), cutter.pieces(text), fillvalue=nothing
    ):
        if of_html[:2] != of_text[:2]:
            raise CutMissing(
                f"digest.html.j2 cuts at {of_html[:2]}, digest.txt.j2 at {of_text[:2]}"
            )
        pieces.append((of_html[0], of_html[1], Piece(of_html[2], of_text[2])))
    kinds = [kind for kind, _, _ in pieces]
    if kinds[0] != "head" or kinds[-2:] != ["dropped", "foot"]:
        raise CutMissing("a digest template must end with cut('dropped') and cut('foot')")
    return Fragments(
        head=pieces[0][2],
        sections=tuple(_sections(pieces[1:-2], titles)),
        dropped=pieces[-2][2],
        foot=pieces[-1][2],
    )


def _sections(
    pieces: list[tuple[str, str, Piece]], titles: dict[str, str]
) -> Iterator[SectionPieces]:
    section, opening = "", Piece("", "")
    lead: Piece | None = None
    stories: list[StoryPieces] = []
    for kind, id_, piece in pieces:
        match kind:
            case "section":
                section, opening, stories = id_, piece, []
            case "lead":
                lead = piece
            case "plain" if lead is not None:
                stories.append(StoryPieces(id_, titles[id_], lead, piece))
                lead = None
            case "close":
                yield SectionPieces(section, opening, tuple(stories), piece)
            case _:
                raise CutMissing(f"a digest template sets an unexpected cut({kind!r})")


def _pressing_to_dict(pressing: Pressing) -> dict[str, Any]:
    return {
        **asdict(pressing),
        "slots": [str(slot) for slot in pressing.slots],
        "articles": sorted(pressing.articles),
    }


def _pressing_from_dict(data: dict[str, Any]) -> Pressing:
    return Pressing(
        masthead=Masthead(**data["masthead"]),
        placeholders=Placeholders(**data["placeholders"]),
        slots=tuple(Slot.parse(slot) for slot in data["slots"]),
        articles=frozenset(data["articles"]),
        head=Piece(**data["head"]),
        sections=tuple(
            SectionPieces(
                id=section["id"],
                opening=Piece(**section["opening"]),
                stories=tuple(
                    StoryPieces(
                        story["id"], story["title"], Piece(**story["lead"]), Piece(**story["plain"])
                    )
                    for story in section["stories"]
                ),
                closing=Piece(**section["closing"]),
            )
            for section in data["sections"]
        ),
        dropped=Piece(**data["dropped"]),
        foot=Piece(**data["foot"]),
    )
