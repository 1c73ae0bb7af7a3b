"""The floors: feedparser alone over the bytes, and conditional requests alone."""

from __future__ import annotations

import http.client
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from io import BytesIO
from os import cpu_count

from benchmarks.contestants.stopwatch import Stopwatch
from benchmarks.corpus import benchmark_feeds, corpora

_BODIES: list[bytes] = []


def _parse(number: int) -> int:
    import feedparser

    if not _BODIES:
        _BODIES.extend(benchmark_feeds(corpora()))
    return len(feedparser.parse(BytesIO(_BODIES[number % len(_BODIES)])).entries)


def main(port: int, count: int, workers: int) -> None:
    watch = Stopwatch()
    with ProcessPoolExecutor(cpu_count()) as pool:
        list(pool.map(_parse, range(8)))  # imports and files, before the clock runs
        with watch.time("parse"):
            articles = sum(pool.map(_parse, range(count), chunksize=4))

    etags: dict[int, str] = {}

    def get(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"If-None-Match": etags[number]} if number in etags else {}
        connection.request("GET", f"/f/{number}", headers=headers)
        answer = connection.getresponse()
        answer.read()
        etags[number] = answer.headers["ETag"]
        connection.close()

    with ThreadPoolExecutor(workers) as threads:
        with watch.time("first"):
            list(threads.map(get, range(count)))
        with watch.time("refresh"):
            list(threads.map(get, range(count)))
    watch.report(articles=articles, threads=threading.active_count())


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:4]))
