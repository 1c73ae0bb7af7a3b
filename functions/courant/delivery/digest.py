"""One reader's digest: fragments joined, their own values put in, made into a mail. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape

from courant.delivery import mime, quoted
from courant.editions.budget import NAME, PREHEADER, SUBJECT, Chosen, fit
from courant.editions.deal import deal
from courant.editions.pressing import Own, Piece, Placeholders, Pressing, Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What a reader chose: sections in their order (none: all, in the newsletter's), the most
    stories of each (None: as the newsletter says), and how to be addressed."""

    sections: tuple[str, ...] = ()
    limit: int | None = None
    name: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """What one reader gets. ``stories`` are the shown ones' ids, in order; ``dropped``, how many
    more there were than fit.

    ``html`` and ``text`` are joined when somebody looks; a mail is made of the pieces themselves.
    """

    own: Own
    stories: tuple[str, ...]
    dropped: int
    pieces: tuple[Piece, ...]
    placeholders: Placeholders

    @property
    def subject(self) -> str:
        """As the page and the header have it."""
        return self.own.subject

    @property
    def preheader(self) -> str:
        """What an inbox shows beside the subject."""
        return self.own.preheader

    @property
    def html(self) -> str:
        """The page."""
        page = "".join(piece.html for piece in self.pieces)
        return _fill(page, _values(self.placeholders, self.own, in_html=True))

    @property
    def text(self) -> str:
        """The plain text."""
        page = "".join(piece.text for piece in self.pieces)
        return _fill(page, _values(self.placeholders, self.own, in_html=False))


def join(
    pressing: Pressing, reader: Reader, unsubscribe_url: str, *, test: bool = False
) -> Digest | None:
    """A reader's digest; None if their sections hold nothing new.

    A story of two sections is shown in the first. ``test`` marks the subject.
    """
    sheet = pressing.sheet(reader.locale)
    chosen = choose(sheet, reader)
    kept = fit(sheet, chosen)
    stories = [story for _, some in kept for story in some]
    if not stories:
        return None
    dropped = sum(len(some) for _, some in chosen) - len(stories)
    titles = [story.title for story in stories]
    subject = f"{sheet.test_mark} {titles[0]}" if test else titles[0]
    own = Own(
        subject=mime.clean(subject, SUBJECT),
        preheader=mime.clean(" · ".join(titles[1:4]) or pressing.masthead.title, PREHEADER),
        name=mime.clean(reader.name or "", NAME),
        unsubscribe_url=unsubscribe_url,
        dropped=sheet.left_out[dropped - 1] if dropped else "",
    )
    return Digest(
        own=own,
        stories=tuple(story.id for story in stories),
        dropped=dropped,
        pieces=tuple(_pieces(sheet, kept, own)),
        placeholders=pressing.placeholders,
    )


def message(
    pressing: Pressing,
    digest: Digest,
    *,
    to: str,
    now: datetime,
    unsubscribe_url: str,
    text_only: bool = False,
) -> bytes:
    """The digest as a mail.

    List-Unsubscribe and List-Unsubscribe-Post are RFC 8058's pair; List-Id is RFC 2919's, the same
    for every edition of the newsletter. SES puts its own Date and Message-ID.
    """
    masthead = pressing.masthead
    domain = masthead.sender_address.rpartition("@")[2]
    headers = [
        ("From", mime.mailbox(masthead.sender_name, masthead.sender_address)),
        ("To", to),
        ("Subject", mime.unstructured(digest.subject)),
        ("Date", format_datetime(now)),
        ("List-Id", mime.mailbox(masthead.title, f"{masthead.newsletter}.{domain}")),
        ("List-Unsubscribe", f"<{unsubscribe_url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
    if masthead.reply_to:
        headers.insert(1, ("Reply-To", masthead.reply_to))
    return mime.assemble(
        headers,
        quoted.joined(
            (piece.text for piece in digest.pieces),
            _values(digest.placeholders, digest.own, in_html=False),
        ),
        None
        if text_only
        else quoted.joined(
            (piece.html for piece in digest.pieces),
            _values(digest.placeholders, digest.own, in_html=True),
        ),
    )


def choose(sheet: Sheet, reader: Reader) -> tuple[Chosen, ...]:
    """What of a sheet a reader is to see, whatever it weighs: their sections in their order."""
    by_id = {section.id: section for section in sheet.sections}
    # dict.fromkeys: whoever names a section twice gets it once.
    wanted = [by_id[id_] for id_ in dict.fromkeys(reader.sections) if id_ in by_id]
    sections = wanted if reader.sections else list(sheet.sections)
    dealt = deal(
        [
            (min(section.limit, reader.limit or section.limit), section.stories)
            for section in sections
        ],
        lambda story: story.articles,
    )
    return tuple(zip(sections, dealt, strict=True))


def _pieces(sheet: Sheet, kept: Sequence[Chosen], own: Own) -> list[Piece]:
    pieces = [sheet.head, *([sheet.greeting] if own.name else []), sheet.top]
    for number, (section, stories) in enumerate(kept):
        forms = [story.plain for story in stories]
        if number == 0:
            forms[0] = stories[0].lead
        pieces += [section.opening, *forms, section.closing]
    return [*pieces, *([sheet.dropped] if own.dropped else []), sheet.foot]


def _values(placeholders: Placeholders, own: Own, *, in_html: bool) -> dict[str, str]:
    """Placeholder → what stands there."""
    values = {}
    for name in Own.__dataclass_fields__:
        value: str = getattr(own, name)
        if in_html:
            # cut.py sees to it that the link stands in attributes, and all else in text.
            value = escape(value, quote=name == "unsubscribe_url")
        values[getattr(placeholders, name)] = value
    return values


def _fill(page: str, values: Mapping[str, str]) -> str:
    for placeholder, value in values.items():
        page = page.replace(placeholder, value)
    return page
