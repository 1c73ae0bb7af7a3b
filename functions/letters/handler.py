"""Letters queue: confirmations and reports, by their own configuration set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from courant import aws, clock, settings
from courant.delivery.chunks import ChunkStore
from courant.delivery.heard import HeardStore
from courant.delivery.ledger import Ledger
from courant.delivery.mailer import Mailer
from courant.editions.store import EditionStore
from courant.feeds.store import FeedStore
from courant.lambda_events import Context, each_record
from courant.letters.claims import LetterClaims
from courant.letters.confirmation import Confirmations
from courant.letters.outbox import Letters
from courant.letters.reports import Reports
from courant.newsletters import NewsletterStore
from courant.subscribers.links import Links
from courant.subscribers.store import SubscriberStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What outlives an invocation: everything but the SES client (see mailer.py)."""

    content: Table
    subscribers: Table
    ledger: Table
    links: Links
    site_url: str
    configuration_set: str
    deliveries_told: bool

    def letters(self) -> Letters:
        """A sender with a fresh SES client."""
        mailer = Mailer(self.configuration_set)
        newsletters, claims = NewsletterStore(self.content), LetterClaims(self.ledger)
        return Letters(
            Confirmations(
                SubscriberStore(self.subscribers), newsletters, claims, self.links, mailer
            ),
            Reports(
                newsletters=newsletters,
                editions=EditionStore(self.content),
                chunks=ChunkStore(self.ledger),
                ledger=Ledger(self.ledger),
                heard=HeardStore(self.ledger),
                feeds=FeedStore(self.content),
                claims=claims,
                mailer=mailer,
                site_url=self.site_url,
                deliveries_told=self.deliveries_told,
            ),
        )


@cache
def wire() -> Wiring:
    env = settings.read(settings.Letters)
    return Wiring(
        content=aws.table(env.content_table),
        subscribers=aws.table(env.subscribers_table),
        ledger=aws.table(env.ledger_table),
        links=Links(env.site_url, aws.secret(env.token_secret)),
        site_url=env.site_url,
        configuration_set=env.configuration_set,
        deliveries_told=env.delivery_events == "yes",
    )


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    letters = wire().letters()
    return each_record(event, lambda message: letters.take(message, clock.now()))
