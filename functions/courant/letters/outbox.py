"""The letters queue's messages: which letter each asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from courant import log
from courant.letters import confirmation, reports
from courant.letters.confirmation import Confirmations
from courant.letters.reports import Reports
from courant.schedule import EditionId


@dataclass(frozen=True, slots=True)
class Letters:
    """Sends letters. Make it anew an invocation, as its mailer (delivery/mailer.py)."""

    confirmations: Confirmations
    reports: Reports

    def take(self, message: Mapping[str, str], now: datetime) -> str:
        """Act on one message of the letters queue; what became of it, in a word.

        ``{"kind": "confirmation", "sid": …, "newsletter": …}`` or
        ``{"kind": "report", "edition": "morning/daily/2026-11-22"}``.

        Raises:
            LetterNotSent: SES took nothing; again later.
            NotFound: the newsletter or the edition is unknown.
            ValueError: not a message of ours.
        """
        match message.get("kind"):
            case confirmation.KIND:
                sid, newsletter = message["sid"], message["newsletter"]
                status = self.confirmations.send(sid, newsletter, now)
                log.event(
                    "letter", status=status, kind="confirmation", sid=sid, newsletter=newsletter
                )
            case reports.KIND:
                edition = EditionId.parse(message["edition"])
                status = self.reports.send(edition, now)
                log.event("letter", status=status, kind="report", edition=edition)
            case other:
                raise ValueError(f"unknown kind of letter: {other!r}")
        return status
