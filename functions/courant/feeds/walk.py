"""One round of feeds: different hosts at once, the feeds of one host one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from courant import clock, log
from courant.feeds.gather import Gatherer
from courant.feeds.store import LONGEST_VISIT

# Most of a visit is waiting for somebody far away.
HOSTS_AT_ONCE = 16


class Walker:
    """Gathers rounds. ``gatherer`` makes one for a thread of its own."""

    def __init__(
        self, gatherer: Callable[[], Gatherer], hosts_at_once: int = HOSTS_AT_ONCE
    ) -> None:
        self._gatherer = gatherer
        self._hosts_at_once = hosts_at_once

    def walk(self, hosts: Mapping[str, Iterable[str]], until: datetime) -> None:
        """Gather every feed that can be done by ``until``; the others stay due and come again.

        Raises:
            ExceptionGroup: what DynamoDB refused, after all the others were gathered.
        """
        with ThreadPoolExecutor(self._hosts_at_once, "host") as pool:
            walks = [pool.submit(self._host, feeds, until) for feeds in hosts.values()]
        if failed := [error for walk in walks for error in walk.result()]:
            raise ExceptionGroup("some feeds could not be gathered", failed)

    def _host(self, feeds: Iterable[str], until: datetime) -> list[Exception]:
        gatherer = self._gatherer()
        failed: list[Exception] = []
        for feed in feeds:
            now = clock.now()
            if until - now < LONGEST_VISIT:
                log.event("gather", status="no_time", feed=feed)
                continue
            try:
                gatherer.gather(feed, now)
            except Exception as error:  # noqa: BLE001 - one feed must not cost its host the others
                log.error("gather", status="feed_failed", feed=feed)
                failed.append(error)
        return failed
