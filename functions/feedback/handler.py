"""Events queue (SES → SNS → SQS): what became of the mails."""

from functools import cache
from typing import Any

from courant import aws, clock, settings
from courant.delivery.evidence import Evidence
from courant.delivery.feedback import Feedback, Told
from courant.delivery.heard import HeardStore
from courant.delivery.ledger import Ledger
from courant.lambda_events import Context, each_record
from courant.subscribers.address import AddressKey
from courant.subscribers.store import SubscriberStore


@cache
def wire() -> Feedback:
    env = settings.read(settings.Feedback)
    ledger_table = aws.table(env.ledger_table)
    return Feedback(
        ledger=Ledger(ledger_table),
        evidence=Evidence(ledger_table),
        heard=HeardStore(ledger_table),
        subscribers=SubscriberStore(aws.table(env.subscribers_table)),
        key=AddressKey(aws.secret(env.address_secret)[0]),
    )


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    feedback = wire()
    told: list[Told] = []

    def take(body: object) -> None:
        if news := feedback.take(body, clock.now()):
            told.append(news)

    answer = each_record(event, take)
    # Fails whole if it fails: every message comes again, and of those that were counted before
    # good news counts twice.
    feedback.count(told, clock.now())
    return answer
