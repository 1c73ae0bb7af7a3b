"""Invoked by an editor: send now, test, preview; pause, resume, cancel, retry the unresolved."""

from functools import cache
from typing import Any

from courant import aws, clock, settings
from courant.editions.requests import RequestStore
from courant.editions.start import Starter
from courant.editions.store import EditionStore
from courant.lambda_events import Context
from courant.newsletters import NewsletterStore
from courant.publish import Publisher
from courant.subscribers.lists import MemberLists


@cache
def wire() -> Publisher:
    env = settings.read(settings.Publish)
    content = aws.table(env.content_table)
    sqs = aws.client("sqs")
    editions = EditionStore(content)
    return Publisher(
        newsletters=NewsletterStore(content),
        subscribers=MemberLists(aws.table(env.subscribers_table)),
        requests=RequestStore(content),
        editions=editions,
        starter=Starter(editions, sqs, env.editions_queue, env.epoch),
        sqs=sqs,
        editions_queue=env.editions_queue,
        bucket=env.bucket,
        epoch=env.epoch,
    )


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    return wire().publish(event, clock.now())
