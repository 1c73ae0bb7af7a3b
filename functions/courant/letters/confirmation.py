"""The letter that asks a new reader to confirm: once a (reader, newsletter, day).

What a stranger typed into a form is in no letter: anyone can have one sent to anyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from courant import locales
from courant.delivery import mime
from courant.delivery.mailer import Mailer
from courant.errors import NotFound
from courant.letters.claims import LetterClaims
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.subscribers.links import Links
from courant.subscribers.model import Profile, Status
from courant.subscribers.store import SubscriberStore
from courant.templates import environment

KIND = "confirmation"


@dataclass(frozen=True, slots=True)
class Confirmations:
    """Sends confirmations."""

    subscribers: SubscriberStore
    newsletters: NewsletterStore
    claims: LetterClaims
    links: Links
    mailer: Mailer

    def send(self, sid: str, newsletter_id: str, now: datetime) -> str:
        """Send one, if it is still wanted; what became of it, in a word.

        Raises:
            LetterNotSent: SES took nothing; again later.
            NotFound: the newsletter is unknown.
        """
        profile = self.subscribers.profile(sid)
        subscription = profile.subscriptions.get(newsletter_id) if profile else None
        if profile is None or subscription is None or subscription.status is not Status.PENDING:
            return "not_pending"
        newsletter = self.newsletters.get(newsletter_id)
        if newsletter is None:
            raise NotFound(f"newsletter {newsletter_id!r}")
        raw = confirmation(newsletter, profile, self.links.confirm(sid, newsletter_id, now), now)
        # Who did not get it can ask anew tomorrow.
        claim = self.claims.claim(KIND, sid, f"{newsletter_id}#{now.date().isoformat()}", now)
        if claim is None:
            return "already"
        tags = {"letter": KIND, "rid": sid}
        outcome = self.mailer.send(raw, profile.email, newsletter.sender.address, tags)
        return self.claims.settle(claim, outcome, now)


def confirmation(newsletter: Newsletter, profile: Profile, url: str, now: datetime) -> bytes:
    """The letter as a mail."""
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
