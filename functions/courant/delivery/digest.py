"""One reader's digest: fragments joined, their own values put in, made into a mail. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape

from courant.delivery import mime
from courant.editions.budget import Chosen, fit
from courant.editions.pressing import Piece, Pressing

# An inbox shows some 90 characters of it.
_PREHEADER = 140


@dataclass(frozen=True, slots=True)
class Digest:
    """What one reader gets. ``stories`` are the shown ones' ids, in order."""

    subject: str
    preheader: str
    html: str
    text: str
    stories: tuple[str, ...]


def join(
    pressing: Pressing,
    sections: Sequence[str],
    unsubscribe_url: str,
    *,
    mark: str = "",
) -> Digest | None:
    """The digest of these sections in this order (none given: all, in the newsletter's order).

    A story in two of them is shown in the first. None if they hold nothing new. ``mark`` goes
    before the subject (``[Test]``).
    """
    chosen = _choose(pressing, sections)
    kept = fit(pressing, chosen)
    titles = [story.title for _, stories in kept for story in stories]
    if not titles:
        return None
    dropped = sum(len(stories) for _, stories in chosen) - len(titles)
    subject = mime.clean(f"{mark} {titles[0]}" if mark else titles[0])
    preheader = mime.clean(" · ".join(titles[1:4]) or pressing.masthead.title, _PREHEADER)
    pieces = _pieces(pressing, kept, dropped)
    words = _dropped(pressing, dropped)
    slots = pressing.placeholders
    html = "".join(piece.html for piece in pieces)
    text = "".join(piece.text for piece in pieces)
    for placeholder, value in (
        (slots.subject, subject),
        (slots.preheader, preheader),
        (slots.unsubscribe_url, unsubscribe_url),
        (slots.dropped, words),
    ):
        html = html.replace(placeholder, escape(value))
        text = text.replace(placeholder, value)
    stories = tuple(story.id for _, some in kept for story in some)
    return Digest(subject, preheader, html, text, stories)


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
    return mime.build(headers, digest.text, None if text_only else digest.html)


def _choose(pressing: Pressing, sections: Sequence[str]) -> tuple[Chosen, ...]:
    by_id = {section.id: section for section in pressing.sections}
    shown: set[str] = set()
    chosen = []
    for id_ in sections or tuple(by_id):
        if section := by_id.get(id_):
            stories = tuple(story for story in section.stories if story.id not in shown)
            shown.update(story.id for story in stories)
            if stories:
                chosen.append((id_, stories))
    return tuple(chosen)


def _pieces(pressing: Pressing, kept: Sequence[Chosen], dropped: int) -> list[Piece]:
    sections = {section.id: section for section in pressing.sections}
    pieces = [pressing.head]
    for number, (id_, stories) in enumerate(kept):
        section = sections[id_]
        forms = [story.plain for story in stories]
        if number == 0:
            forms[0] = stories[0].lead
        pieces += [section.opening, *forms, section.closing]
    if dropped:
        pieces.append(pressing.dropped)
    return [*pieces, pressing.foot]


def _dropped(pressing: Pressing, count: int) -> str:
    masthead = pressing.masthead
    pattern = masthead.dropped_one if count == 1 else masthead.dropped_other
    return pattern.replace("{n}", str(count))
