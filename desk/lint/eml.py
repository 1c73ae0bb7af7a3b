"""A mail as it is saved or sent → the parts that the linter reads. Pure."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage


@dataclass(frozen=True, slots=True)
class Parts:
    """A mail's HTML and its plain text, decoded; None where it has none."""

    html: str | None
    text: str | None


def read(raw: bytes) -> Parts:
    """The parts of a mail (RFC 5322). What is no mail is one without HTML."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return Parts(_text(message, "html"), _text(message, "plain"))


def _text(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a character set that nobody knows
        content = part.get_payload(decode=True)
        return content.decode("utf-8", "replace") if isinstance(content, bytes) else None
