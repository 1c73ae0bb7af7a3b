"""Events queue (SES → SNS → SQS): what became of the mails."""

from functools import cache
from typing import Any

from courant import aws, clock, settings
from courant.delivery.feedback import Feedback
from courant.delivery.ledger import Ledger
from courant.lambda_events import Context, each_record
from courant.subscribers.address import AddressKey
from courant.subscribers.store import SubscriberStore


@cache
def wire() -> Feedback:
    env = settings.read(settings.Feedback)
    return Feedback(
        ledger=Ledger(aws.table(env.ledger_table)),
        subscribers=SubscriberStore(aws.table(env.subscribers_table)),
        key=AddressKey(aws.secret(env.address_secret)[0]),
    )


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    return each_record(event, lambda body: wire().take(body, clock.now()))
