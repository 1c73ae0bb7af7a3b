"""Feeds queue: rounds of feeds → their articles in the content table."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from courant import aws, settings
from courant.articles import ArticleStore
from courant.errors import ConfigurationError
from courant.feeds.enrich import Pages
from courant.feeds.fetching.fetch import Fetcher
from courant.feeds.gather import Gatherer
from courant.feeds.sandbox.sandbox import Sandbox
from courant.feeds.store import FeedStore
from courant.feeds.walk import Walker
from courant.lambda_events import Context, deadline, each_record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


@cache
def wire() -> Walker:
    """The walker of this function's environment."""
    env = settings.read(settings.Gather)
    content: Table = aws.table(env.content_table)
    ports = _ports(env.open_ports)
    fetcher = pages_fetcher = Fetcher(contact_url=env.contact_url, open_ports=ports)
    if ports:
        # On somebody's own machine, maybe without a network: feeds are named to it, but articles
        # lead anywhere.
        pages_fetcher = Fetcher(contact_url=env.contact_url, open_ports=ports, lookup=_nowhere)
    # Two, so that one that is slow to read does not keep all hosts waiting.
    sandbox = Sandbox(workers=2)

    def gatherer() -> Gatherer:
        # Threads may share a client but not a Table, says boto3; one more Table costs nothing.
        table = type(content)(content.name, client=content.meta.client)
        pages = Pages(table, pages_fetcher, sandbox)
        return Gatherer(
            FeedStore(table),
            ArticleStore(table),
            fetcher,
            sandbox,
            pages,
            backlog=bool(env.backlog),
        )

    return Walker(gatherer)


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    walker, until = wire(), deadline(context)
    return each_record(event, lambda message: walker.walk(_hosts(message), until))


def _hosts(message: dict[str, Any]) -> dict[str, list[str]]:
    hosts: dict[str, list[str]] = message["feeds"]
    if not all(isinstance(feed, str) and feed for feeds in hosts.values() for feed in feeds):
        raise ValueError("the message names no feeds")
    return hosts


def _nowhere(host: str, _port: int) -> list[str]:
    raise OSError(f"{host} is not looked up here")


def _ports(written: str) -> frozenset[int]:
    try:
        return frozenset(int(port) for port in written.split(",") if port.strip())
    except ValueError as error:
        raise ConfigurationError(
            "OPEN_PORTS: write loopback ports, parted by commas, or nothing"
        ) from error
