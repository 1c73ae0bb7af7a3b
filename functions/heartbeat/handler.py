"""Each minute, by EventBridge Scheduler: start what is due."""

from functools import cache
from typing import Any

from courant import aws, clock, settings
from courant.delivery.account import AccountReader
from courant.delivery.chunks import ChunkStore
from courant.delivery.grants import Grants
from courant.delivery.heard import HeardStore
from courant.delivery.upkeep import Upkeep
from courant.editions.start import Starter
from courant.editions.store import EditionStore
from courant.feeds.store import FeedStore
from courant.heartbeat import Heartbeat
from courant.lambda_events import Context
from courant.newsletters import NewsletterStore
from courant.subscribers.lists import MemberLists
from courant.watermark import WatermarkStore


@cache
def wire() -> Heartbeat:
    env = settings.read(settings.Heartbeat)
    content = aws.table(env.content_table)
    sqs = aws.client("sqs")
    ledger = aws.table(env.ledger_table)
    editions = EditionStore(content)
    starter = Starter(editions, sqs, env.editions_queue, env.epoch)
    return Heartbeat(
        newsletters=NewsletterStore(content),
        subscribers=MemberLists(aws.table(env.subscribers_table)),
        feeds=FeedStore(content),
        editions=editions,
        watermark=WatermarkStore(content),
        upkeep=Upkeep(
            editions=editions,
            chunks=ChunkStore(ledger),
            heard=HeardStore(ledger),
            account=AccountReader(),
            grants=Grants(ledger),
            starter=starter,
            sqs=sqs,
            chunks_queue=env.chunks_queue,
            letters_queue=env.letters_queue,
        ),
        starter=starter,
        sqs=sqs,
        feeds_queue=env.feeds_queue,
        epoch=env.epoch,
    )


def handler(event: dict[str, Any], context: Context) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    return wire().beat(clock.now())
