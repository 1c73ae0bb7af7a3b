"""The newsletters and the pressing that all simulated editions share, made once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from courant.editions.pressing import (
    Frozen,
    Masthead,
    Piece,
    Placeholders,
    Pressing,
    SectionPieces,
    Sheet,
    StoryPieces,
)
from courant.newsletter import Newsletter, Policy
from courant.schedule import EditionId, Slot

SLOTS = (
    Slot("daily"),
    Slot("daily", "Asia/Tokyo", "07:00"),
    Slot("daily", "America/Lima", "09:30"),
)
SECTIONS = ("world", "sport", "arts")
LATENESS = timedelta(minutes=40)


@cache
def newsletter(policy: Policy, zone: str) -> Newsletter:
    """A newsletter of each policy, of the same id; in a zone, or in each reader's own."""
    return Newsletter.model_validate(
        {
            "id": "morning",
            "title": "The Morning",
            "description": "News",
            "sender": {"name": "The Morning", "address": "morning@news.example.org"},
            "postal_address": "1 Harbour Street",
            "cadences": {"daily": {"cron": "0 7 * * *", "timezone": zone}},
            "sections": [
                {"id": each, "title": each.title(), "feeds": ["https://example.org/feed"]}
                for each in SECTIONS
            ],
            "max_lateness": f"{LATENESS.seconds // 60}m",
            "delivery": policy.value,
        }
    )


def _piece(text: str) -> Piece:
    return Piece.of(f"<p>{text}</p>\n", f"{text}\n")


def _section(name: str) -> SectionPieces:
    return SectionPieces(
        id=name,
        limit=2,
        opening=_piece(f"{name}:"),
        stories=tuple(
            StoryPieces(
                id=f"{name}-{number}",
                title=f"{name} news {number}",
                articles=(f"{name}-{number}",),
                lead=_piece(f"Lead {name} {number}"),
                plain=_piece(f"{name} {number}"),
            )
            for number in range(2)
        ),
        closing=_piece("…"),
    )


@cache
def _sheet() -> tuple[Sheet, Placeholders]:
    places = Placeholders(*(f"c{number:032x}c" for number in range(5)))
    sheet = Sheet(
        locale="en",
        head=_piece(f"{places.subject} {places.preheader}"),
        greeting=_piece(f"Dear {places.name}"),
        top=_piece("Good morning"),
        # Nothing under "arts": who reads only that gets no mail.
        sections=tuple(_section(name) for name in SECTIONS[:2]),
        dropped=_piece(places.dropped),
        foot=_piece(f"Leave: {places.unsubscribe_url}"),
        left_out=("one more",),
        test_mark="[test]",
        own_size=500,
    )
    return sheet, places


def frozen(
    edition: EditionId, instant: datetime, cut_at: datetime, slots: tuple[Slot, ...], mark: str
) -> Frozen:
    """A pressing for slots, alike in all but its ``mark``, which every mail of it bears."""
    sheet, places = _sheet()
    masthead = Masthead(
        newsletter=edition.newsletter,
        title="The Morning",
        sender_name=mark,
        sender_address="morning@news.example.org",
        reply_to=None,
    )
    pressing = Pressing(
        masthead=masthead,
        placeholders=places,
        slots=slots,
        articles=frozenset({"world-0", "sport-0"}),
        sheets=(sheet,),
    )
    # Slots that have had something else before get a pressing of their own.
    pressings: tuple[Pressing, ...] = (pressing,)
    if len(slots) > 1:
        pressings = (replace(pressing, slots=slots[:1]), replace(pressing, slots=slots[1:]))
    return Frozen(edition=edition, instant=instant, cut_at=cut_at, pressings=pressings)
