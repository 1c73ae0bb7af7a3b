"""A pressing: a page rendered and inlined once a locale, cut into fragments, frozen.

A reader's digest is a join of these strings (delivery/digest.py). Pure: nothing here touches S3.
How a page is cut is in cut.py.
"""

import json
import secrets
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from courant.clock import from_stamp, stamp
from courant.errors import CourantError
from courant.schedule import EditionId, Slot

# Raise it whenever what is frozen changes: a deployment may come between freezing and sending.
_SHAPE = 2


class PressingUnreadable(CourantError):
    """A frozen pressing is of another shape than this code knows."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The same part of a mail as HTML and as plain text.

    ``size`` is in bytes of decoded HTML, as Gmail counts towards its clip.
    """

    html: str
    text: str
    size: int

    @classmethod
    def of(cls, html: str, text: str) -> "Piece":
        """A piece, weighed."""
        return cls(html, text, len(html.encode()))


@dataclass(frozen=True, slots=True)
class StoryPieces:
    """A story in both its forms: large, as the digest's first, and plain.

    ``articles`` are the ids of all that tell it: two sections may have the same story under
    different leads.
    """

    id: str
    title: str
    articles: tuple[str, ...]
    lead: Piece
    plain: Piece


@dataclass(frozen=True, slots=True)
class SectionPieces:
    """A section: its opening, its stories (best first), its closing.

    It shows ``limit`` stories; the ones after that are spares, for those that a reader's earlier
    section has shown.
    """

    id: str
    limit: int
    opening: Piece
    stories: tuple[StoryPieces, ...]
    closing: Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The pressing in one locale.

    A mail is ``head``, ``greeting`` (for who gave a name), ``top``, the reader's sections,
    ``dropped`` (where stories were left out) and ``foot``. ``left_out`` says how many were: the
    first for one, the second for two, as this language counts. ``own_size`` is the most that a
    reader's own values add, in bytes of HTML.
    """

    locale: str
    head: Piece
    greeting: Piece
    top: Piece
    sections: tuple[SectionPieces, ...]
    dropped: Piece
    foot: Piece
    left_out: tuple[str, ...]
    test_mark: str
    own_size: int


@dataclass(frozen=True, slots=True)
class Own:
    """What of a page is the reader's own. An empty string says that there is none."""

    subject: str
    preheader: str
    name: str
    unsubscribe_url: str
    dropped: str


@dataclass(frozen=True, slots=True)
class Placeholders(Own):
    """What stands in the page where a reader's own values will."""

    @classmethod
    def fresh(cls) -> "Placeholders":
        """Placeholders nobody can guess, made of what survives URLs and HTML unescaped."""
        return cls(*(f"c{secrets.token_hex(16)}c" for _ in fields(cls)))

    def all(self) -> tuple[str, ...]:
        """Every placeholder."""
        return tuple(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Masthead:
    """What the mail's headers need to know of the newsletter, frozen with the pressing."""

    newsletter: str
    title: str
    sender_name: str
    sender_address: str
    reply_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage:
    """Where a pressing is on the web: the site's ``path``, and the bucket's ``key``."""

    path: str
    key: str
    headline: str
    summary: str
    date_text: str
    image: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressing:
    """One instant of an edition for slots that have had the same before.

    ``articles`` counts as told from now on: what the sections show and name, spares only where the
    digest of all sections shows them. The first sheet is in the newsletter's own language.
    """

    masthead: Masthead
    placeholders: Placeholders
    slots: tuple[Slot, ...]
    articles: frozenset[str]
    sheets: tuple[Sheet, ...]
    web: WebPage | None = None

    def sheet(self, locale: str | None) -> Sheet:
        """The sheet for a reader: of their locale, else of its language, else the newsletter's."""
        by_locale = {sheet.locale: sheet for sheet in self.sheets}
        found = by_locale.get(locale or "") or by_locale.get((locale or "").partition("-")[0])
        return found or self.sheets[0]


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
                "shape": _SHAPE,
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
        """What ``to_json`` wrote.

        Raises:
            PressingUnreadable: an older or newer Courant wrote it.
        """
        data = json.loads(text)
        if data.get("shape") != _SHAPE:
            raise PressingUnreadable(
                f"the pressing was frozen in shape {data.get('shape', 1)}, this code reads {_SHAPE}"
            )
        return cls(
            edition=EditionId.parse(data["edition"]),
            instant=from_stamp(data["instant"]),
            cut_at=from_stamp(data["cut_at"]),
            pressings=tuple(_pressing_from_dict(item) for item in data["pressings"]),
        )


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
        sheets=tuple(_sheet_from_dict(sheet) for sheet in data["sheets"]),
        web=WebPage(**data["web"]) if data["web"] else None,
    )


def _sheet_from_dict(data: dict[str, Any]) -> Sheet:
    pieces = ("head", "greeting", "top", "dropped", "foot")
    return Sheet(
        locale=data["locale"],
        sections=tuple(
            SectionPieces(
                id=section["id"],
                limit=section["limit"],
                opening=Piece(**section["opening"]),
                stories=tuple(
                    StoryPieces(
                        id=story["id"],
                        title=story["title"],
                        articles=tuple(story["articles"]),
                        lead=Piece(**story["lead"]),
                        plain=Piece(**story["plain"]),
                    )
                    for story in section["stories"]
                ),
                closing=Piece(**section["closing"]),
            )
            for section in data["sections"]
        ),
        left_out=tuple(data["left_out"]),
        test_mark=data["test_mark"],
        own_size=data["own_size"],
        **{name: Piece(**data[name]) for name in pieces},
    )
