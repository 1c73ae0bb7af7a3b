"""Editions queue: press one instant of an edition, or what an editor wants to see."""

from functools import cache
from typing import Any

from courant import aws, clock, settings
from courant.articles import ArticleStore
from courant.clock import from_stamp
from courant.delivery.account import AccountReader
from courant.delivery.audience import Audience
from courant.delivery.chunks import ChunkStore
from courant.delivery.grants import Grants
from courant.delivery.sample import preview_files
from courant.editions.archive import Archive
from courant.editions.compose import Composer
from courant.editions.frozen import PressingStore
from courant.editions.requests import RequestStore
from courant.editions.store import EditionStore
from courant.feeds.store import feed_id
from courant.lambda_events import Context, each_record
from courant.newsletters import NewsletterStore
from courant.schedule import EditionId
from courant.subscribers.lists import MemberLists


@cache
def wire() -> Composer:
    env = settings.read(settings.Compose)
    content = aws.table(env.content_table)
    sqs, s3 = aws.client("sqs"), aws.client("s3")
    members = MemberLists(aws.table(env.subscribers_table))
    ledger = aws.table(env.ledger_table)
    editions = EditionStore(content)
    audience = Audience(
        subscribers=members,
        editions=editions,
        chunks=ChunkStore(ledger),
        account=AccountReader(),
        grants=Grants(ledger),
        sqs=sqs,
        queue=env.chunks_queue,
        epoch=env.epoch,
        now=clock.now,
        sleep=clock.sleep,
    )
    return Composer(
        newsletters=NewsletterStore(content),
        articles=ArticleStore(content),
        editions=editions,
        pressings=PressingStore(s3, env.bucket),
        archive=Archive(content, lambda: s3, env.bucket),
        requests=RequestStore(content),
        feed_id=feed_id,
        locales=members.locales,
        open_chunks=audience.open_chunks,
        sample=preview_files,
        sqs=sqs,
        chunks_queue=env.chunks_queue,
        site_url=env.site_url,
        epoch=env.epoch,
    )


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    return each_record(event, _compose)


def _compose(message: dict[str, str]) -> None:
    if "request" in message:
        wire().compose_request(message["request"], clock.now())
    else:
        edition, instant = EditionId.parse(message["edition"]), from_stamp(message["instant"])
        wire().compose(edition, instant, clock.now())
