"""Mails that are no digest. So far one: the confirmation that a new reader answers.

A letter goes out once a (kind, sid, newsletter, day), claimed in the ledger before it is sent:
``T#letter#<kind>#<sid>`` / ``<newsletter>#<date>``. One whose fate is unknown is not sent again;
the reader can ask anew tomorrow. What a stranger typed into a form is in no letter: anyone can
have one sent to anyone.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from courant import aws, locales, log
from courant.clock import stamp
from courant.delivery import mime
from courant.delivery.mailer import Accepted, Mailer, NotSent, Outcome, Refused
from courant.errors import CourantError, NotFound
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.subscribers.links import Links
from courant.subscribers.model import Profile, Status
from courant.subscribers.store import SubscriberStore
from courant.templates import environment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

CONFIRMATION = "confirmation"
CLAIM_KEPT = timedelta(days=14)


class LetterNotSent(CourantError):
    """Surely not sent; the queue brings the message again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one letter; ``attempt`` is this sender's alone."""

    kind: str
    sid: str
    newsletter: str
    day: str
    attempt: str


class LetterClaims:
    """Claims in the ledger table; only ever puts, each conditional."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, kind: str, sid: str, newsletter: str, now: datetime) -> Claim | None:
        """The claim, or None where somebody else has, or had, the letter of this day."""
        claim = Claim(kind, sid, newsletter, now.date().isoformat(), secrets.token_hex(8))
        # Our own attempt passes too: the answer to a first put may have been lost.
        free = "attribute_not_exists(PK) OR attempt = :attempt OR st = :retry"
        return claim if self._put(claim, "claimed", now, free, {":retry": "retry"}) else None

    def record(self, claim: Claim, state: str, now: datetime) -> None:
        """What became of it; ``retry`` sets it free."""
        self._put(claim, state, now, "attempt = :attempt", {})

    def _put(
        self, claim: Claim, state: str, now: datetime, condition: str, values: Mapping[str, str]
    ) -> bool:
        try:
            self._table.put_item(
                Item={
                    "PK": f"T#letter#{claim.kind}#{claim.sid}",
                    "SK": f"{claim.newsletter}#{claim.day}",
                    "attempt": claim.attempt,
                    "st": state,
                    "at": stamp(now),
                    "ttl": int((now + CLAIM_KEPT).timestamp()),
                },
                ConditionExpression=condition,
                ExpressionAttributeValues={":attempt": claim.attempt, **values},
            )
        except ClientError as error:
            if aws.is_conflict(error):
                return False
            raise
        return True


@dataclass(frozen=True, slots=True)
class Letters:
    """Sends letters. Make it anew an invocation, as its mailer (delivery/mailer.py)."""

    subscribers: SubscriberStore
    newsletters: NewsletterStore
    claims: LetterClaims
    links: Links
    mailer: Mailer

    def take(self, message: Mapping[str, str], now: datetime) -> str:
        """Act on one message of the letters queue; what became of it, in a word.

        Raises:
            LetterNotSent: SES took nothing; again later.
            NotFound: the newsletter is unknown.
            ValueError: not a message of ours.
        """
        if message.get("kind") != CONFIRMATION:
            raise ValueError(f"unknown kind of letter: {message.get('kind')!r}")
        sid, newsletter_id = message["sid"], message["newsletter"]
        status = self._confirmation(sid, newsletter_id, now)
        log.event("letter", status=status, kind=CONFIRMATION, sid=sid, newsletter=newsletter_id)
        return status

    def _confirmation(self, sid: str, newsletter_id: str, now: datetime) -> str:
        profile = self.subscribers.profile(sid)
        subscription = profile.subscriptions.get(newsletter_id) if profile else None
        if profile is None or subscription is None or subscription.status is not Status.PENDING:
            return "not_pending"
        newsletter = self.newsletters.get(newsletter_id)
        if newsletter is None:
            raise NotFound(f"newsletter {newsletter_id!r}")
        raw = confirmation(newsletter, profile, self.links.confirm(sid, newsletter_id, now), now)
        claim = self.claims.claim(CONFIRMATION, sid, newsletter_id, now)
        if claim is None:
            return "already"
        tags = {"letter": CONFIRMATION, "rid": sid}
        outcome = self.mailer.send(raw, profile.email, newsletter.sender.address, tags)
        state = _state(outcome)
        self.claims.record(claim, state, now)
        if isinstance(outcome, NotSent):
            raise LetterNotSent(outcome.reason)
        return state


def confirmation(newsletter: Newsletter, profile: Profile, url: str, now: datetime) -> bytes:
    """The letter that asks a new reader to confirm, as a mail."""
    language = locales.chosen(profile.locale, newsletter.language, newsletter=newsletter.id)
    strings = locales.strings(language, newsletter=newsletter.id)
    context = {"newsletter": newsletter, "confirm_url": url, "t": strings}
    text = _part("txt", newsletter, context)
    html = _part("html", newsletter, context)
    headers = [
        ("From", mime.mailbox(newsletter.sender.name, newsletter.sender.address)),
        ("To", profile.email),
        ("Subject", mime.unstructured(_subject(strings, newsletter))),
        ("Date", format_datetime(now)),
        # RFC 3834: no holiday notice wants to answer this.
        ("Auto-Submitted", "auto-generated"),
    ]
    if newsletter.sender.reply_to:
        headers.insert(1, ("Reply-To", newsletter.sender.reply_to))
    return mime.build(headers, text, None if profile.format == "text" else html)


def _part(kind: str, newsletter: Newsletter, context: Mapping[str, object]) -> str:
    template = f"mail/confirmation.{kind}.j2"
    return environment(newsletter.id, html=kind == "html").get_template(template).render(context)


def _subject(strings: locales.Strings, newsletter: Newsletter) -> str:
    return strings.confirmation_subject.format(newsletter=newsletter.title)


def _state(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return "sent"
        case Refused():
            return "failed"
        case NotSent():
            return "retry"
        case _:
            return "unknown"
