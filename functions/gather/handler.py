"""gather: messages that name feeds → their articles in the content table."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from courant import aws, clock, log, settings
from courant.articles import ArticleStore
from courant.errors import ConfigurationError
from courant.feeds.fetch import Fetcher
from courant.feeds.gather import Gatherer
from courant.feeds.store import FeedStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

# A fetch takes 15 s at most, and reading and storing what came some more.
_NEEDED_MS = 25_000


class Context(Protocol):
    """What Lambda tells an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends it."""
        ...


@cache
def wire() -> Gatherer:
    """The gatherer of this function's environment."""
    env = settings.read(settings.Gather)
    table: Table = aws.table(env.content_table)
    return Gatherer(
        FeedStore(table),
        ArticleStore(table),
        Fetcher(contact_url=env.contact_url, open_ports=_ports(env.open_ports)),
    )


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Gather each feed named; what could not be worked on goes back to the queue."""
    gatherer = wire()
    failures = []
    for record in event["Records"]:
        try:
            _time_for_another(context)
            gatherer.gather(_feed(record["body"]), clock.now())
        except Exception:  # noqa: BLE001 - the isolation point of one message; it ends in the DLQ
            log.error("gather", status="message_failed", message=record["messageId"])
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def _time_for_another(context: Context) -> None:
    if context.get_remaining_time_in_millis() < _NEEDED_MS:
        raise TimeoutError("too little time is left for another feed")


def _feed(body: str) -> str:
    feed = json.loads(body)["feed"]
    if not isinstance(feed, str) or not feed:
        raise ValueError("the message names no feed")
    return feed


def _ports(written: str) -> frozenset[int]:
    try:
        return frozenset(int(port) for port in written.split(",") if port.strip())
    except ValueError as error:
        raise ConfigurationError(
            "OPEN_PORTS: write loopback ports, parted by commas, or nothing"
        ) from error
