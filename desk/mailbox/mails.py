"""A sent mail as people read it: parsed from the very bytes that SES got. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html import unescape

from desk.stack import Mail

# Hidden text that an inbox shows beside the subject; its padding is invisible.
_HIDDEN = re.compile(r"<div [^>]*display:\s?none[^>]*>(.*?)</div>", re.DOTALL)
_PADDING = re.compile(r"[\s\u034f\u200c\xa0]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """One mail. ``name`` is unique in its day and safe in a file name; ``html`` None: text only."""

    name: str
    day: int
    raw: bytes
    subject: str
    sender: str
    recipient: str
    date: datetime
    edition: str
    text: str
    html: str | None

    @property
    def id(self) -> str:
        """Unique among all days."""
        return f"{self.day}-{self.name.partition('-')[0]}"

    @property
    def preheader(self) -> str:
        """What an inbox shows after the subject."""
        found = _HIDDEN.search(self.html) if self.html else None
        if found:
            return _PADDING.sub(" ", unescape(re.sub(r"<[^>]*>", "", found[1]))).strip()
        return next((line for line in self.text.splitlines() if line.strip()), "")


def read(mails: Iterable[Mail], day: int, readers: Sequence[str]) -> Iterator[SentMail]:
    """A day's mails: by edition, then as the readers (addresses) stand, not by random ids."""
    place = {address: n for n, address in enumerate(readers)}
    in_order = sorted(
        mails,
        key=lambda mail: (mail.sent_at, mail.tags.get("ed", ""), place.get(mail.to[0], -1)),
    )
    for number, mail in enumerate(in_order, 1):
        edition = mail.tags.get("ed", mail.function)
        address = re.sub(r"[^A-Za-z0-9@._+-]", "_", mail.to[0])
        message = message_from_bytes(mail.raw, policy=policy.default)
        yield SentMail(
            name=f"{number:03}-{edition}-{address}",
            day=day,
            raw=mail.raw,
            subject=str(message["Subject"]),
            sender=str(message["From"]),
            recipient=mail.to[0],
            date=parsedate_to_datetime(str(message["Date"])),
            edition=edition,
            text=_part(message, "plain") or "",
            html=_part(message, "html"),
        )


def _part(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    # CRLF is the mail's way to end a line, not the page's.
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else None
