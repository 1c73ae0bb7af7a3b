"""Chunks queue: walk one chunk of an edition's audience, or send an editor's test."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from courant import aws, clock, log, settings
from courant.delivery.chunks import ChunkStore
from courant.delivery.deliver import Deliverer
from courant.delivery.grants import Grants
from courant.delivery.lanes import Lanes
from courant.delivery.ledger import Ledger
from courant.delivery.mailer import Mailer
from courant.delivery.sample import Sampler
from courant.delivery.throttle import Throttle
from courant.editions.frozen import PressingStore
from courant.editions.requests import RequestStore
from courant.editions.store import EditionStore
from courant.lambda_events import Context, deadline, each_record
from courant.schedule import EditionId
from courant.subscribers.links import Links
from courant.subscribers.lists import MemberLists
from courant.table import ClientTable


@dataclass(frozen=True, slots=True)
class Wiring:
    """What outlives an invocation: everything but the SES client (see mailer.py)."""

    env: settings.Deliver
    content: Any
    ledger: Any
    subscribers: Any
    s3: Any
    sqs: Any
    links: Links
    lanes: Lanes

    def deliverer(self) -> Deliverer:
        """A walker with a fresh SES client."""
        return Deliverer(
            editions=EditionStore(self.content),
            pressings=PressingStore(self.s3, self.env.bucket),
            subscribers=MemberLists(self.subscribers),
            ledger=Ledger(self.ledger),
            chunks=ChunkStore(self.ledger),
            mailer=Mailer(self.env.configuration_set, self.lanes.count),
            throttle=Throttle(Grants(self.ledger), clock.now, clock.sleep),
            lanes=self.lanes,
            links=self.links,
            sqs=self.sqs,
            queue=self.env.chunks_queue,
            epoch=self.env.epoch,
            now=clock.now,
        )

    def sampler(self) -> Sampler:
        """A sender of tests with a fresh SES client."""
        return Sampler(
            requests=RequestStore(self.content),
            pressings=PressingStore(self.s3, self.env.bucket),
            ledger=Ledger(self.ledger),
            mailer=Mailer(self.env.configuration_set),
            links=self.links,
            now=clock.now,
        )


@cache
def wire() -> Wiring:
    env = settings.read(settings.Deliver)
    lanes = Lanes(int(env.lanes))
    dynamodb = aws.client("dynamodb", connections=lanes.count)
    return Wiring(
        env=env,
        content=ClientTable(dynamodb, env.content_table),
        ledger=ClientTable(dynamodb, env.ledger_table),
        subscribers=ClientTable(dynamodb, env.subscribers_table),
        s3=aws.client("s3"),
        sqs=aws.client("sqs"),
        links=Links(env.site_url, aws.secret(env.token_secret)),
        lanes=lanes,
    )


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    until = deadline(context)

    def deliver(message: dict[str, str]) -> None:
        if "request" in message:
            wire().sampler().send(message["request"])
            return
        edition, chunk = EditionId.parse(message["edition"]), message["chunk"]
        came_to = wire().deliverer().deliver(edition, chunk, until)
        log.event("walk", status=came_to, edition=edition, chunk=chunk)

    return each_record(event, deliver)
