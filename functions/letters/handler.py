"""Letters queue: confirmations, by their own configuration set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from courant import aws, clock, settings
from courant.delivery.mailer import Mailer
from courant.lambda_events import Context, each_record
from courant.letters import LetterClaims, Letters
from courant.newsletters import NewsletterStore
from courant.subscribers.links import Links
from courant.subscribers.store import SubscriberStore


@dataclass(frozen=True, slots=True)
class Wiring:
    """What outlives an invocation: everything but the SES client (see mailer.py)."""

    subscribers: SubscriberStore
    newsletters: NewsletterStore
    claims: LetterClaims
    links: Links
    configuration_set: str

    def letters(self) -> Letters:
        """A sender with a fresh SES client."""
        return Letters(
            self.subscribers,
            self.newsletters,
            self.claims,
            self.links,
            Mailer(self.configuration_set),
        )


@cache
def wire() -> Wiring:
    env = settings.read(settings.Letters)
    return Wiring(
        SubscriberStore(aws.table(env.subscribers_table)),
        NewsletterStore(aws.table(env.content_table)),
        LetterClaims(aws.table(env.ledger_table)),
        Links(env.site_url, aws.secret(env.token_secret)),
        env.configuration_set,
    )


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    letters = wire().letters()
    return each_record(event, lambda message: letters.take(message, clock.now()))
