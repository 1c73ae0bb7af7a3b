"""Courant: the Gatherer as the function wires it, its stores on DynamoDB without latency."""

from __future__ import annotations

import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.contestants.stopwatch import Stopwatch
from benchmarks.dynamodb import Tables
from courant import aws
from courant.articles import ArticleStore
from courant.feeds.fetching.fetch import Fetcher
from courant.feeds.gather import Failed, Gathered, Gatherer, GatherOutcome
from courant.feeds.sandbox.sandbox import Sandbox
from courant.feeds.store import FeedStore

# Signs requests that go nowhere.
os.environ |= {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
}


def main(port: int, count: int, workers: int, *words: str) -> None:
    """Gather ``count`` feeds, then all of them again, unchanged.

    With ``backlog`` every article is stored, as the others do, not only what is news.
    """
    logging.getLogger("courant").addHandler(logging.NullHandler())
    tables = Tables()
    content = aws.table("content")
    events: Any = content.meta.client.meta.events  # the stubs want handlers without an answer
    events.register("before-send.dynamodb", tables.answer)
    fetcher = Fetcher(contact_url="https://bench.example", open_ports=frozenset({port}))
    mine = threading.local()
    feeds = FeedStore(content)
    now = datetime.now(UTC)
    ids = [feeds.register(f"http://127.0.0.1:{port}/f/{number}", now) for number in range(count)]
    tables.requests.clear()
    tables.write_units = 0
    watch = Stopwatch()
    with (
        Sandbox(workers=os.cpu_count() or 1) as sandbox,
        ThreadPoolExecutor(workers) as threads,
    ):

        def gather(id_: str, at: datetime) -> GatherOutcome:
            if not hasattr(mine, "gatherer"):
                table = type(content)(content.name, client=content.meta.client)
                mine.gatherer = Gatherer(
                    FeedStore(table),
                    ArticleStore(table),
                    fetcher,
                    sandbox,
                    backlog="backlog" in words,
                )
            outcome: GatherOutcome = mine.gatherer.gather(id_, at)
            return outcome

        with watch.time("first"):
            outcomes = list(threads.map(lambda id_: gather(id_, now), ids))
        requests, units = tables.requests.total(), tables.write_units
        later = now + timedelta(days=1)
        with watch.time("refresh"):
            list(threads.map(lambda id_: gather(id_, later), ids))
    gathered = [outcome for outcome in outcomes if isinstance(outcome, Gathered)]
    watch.report(
        articles=sum(one.new + one.known + one.held_back for one in gathered),
        told=sum(one.new for one in gathered),
        failed=sum(1 for outcome in outcomes if isinstance(outcome, Failed)),
        requests=requests,
        requests_refresh=tables.requests.total() - requests,
        write_units=units,
        write_units_refresh=tables.write_units - units,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
