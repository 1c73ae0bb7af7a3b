"""First gather and unchanged refresh, against those people use today and against the floors.

``python -m benchmarks.gather [--feeds 1000] [--latency 50] [--workers 16] [--scale]``

All in one run, one after another, on one loopback server (feed_origin.py): lemon24/reader with its
own SQLite, rss2email, Courant's Gatherer (sandbox, cleaning and boto3 included; DynamoDB answers
without latency, dynamodb.py), feedparser alone over the same bytes on all cores, conditional
requests alone. ``--scale`` gathers 1,000, 3,000 and 10,000 feeds with Courant only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.corpus import ROOT, corpora

Result = dict[str, Any]


@contextmanager
def origin(latency_ms: float) -> Iterator[int]:
    """A server of the corpus's feeds; its port."""
    command = [sys.executable, "-m", "benchmarks.feed_origin", str(corpora()), str(latency_ms)]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        yield int(server.stdout.readline())
        server.terminate()


def run(contestant: str, python: str, port: int, feeds: int, workers: int, *words: str) -> Result:
    """What one contestant reports."""
    module = f"benchmarks.contestants.{contestant}"
    ended = subprocess.run(  # noqa: S603 - our own modules
        [python, "-m", module, str(port), str(feeds), str(workers), *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    result: Result = json.loads(ended.stdout.splitlines()[-1])
    return result


def compare(feeds: int, latency_ms: float, workers: int, peers: str, few: int) -> None:
    """Everyone in one run; the table and the ratios."""
    ours = sys.executable
    with origin(latency_ms) as port:
        results = {
            "Courant": run("courant_gather", ours, port, feeds, workers),
            "storing all": run("courant_gather", ours, port, feeds, workers, "backlog"),
            "reader": run("lemon24_reader", peers, port, feeds, workers),
            # One after another: with a thousand feeds it would run for minutes, and it is linear.
            "rss2email": _scaled(run("r2e", peers, port, few, workers), feeds / few),
            "floor": run("bare", ours, port, feeds, workers),
        }
    print(f"{feeds} feeds, {latency_ms:g} ms away, {workers} workers, {os.cpu_count()} cores")
    print(f"{'':12}{'first s':>10}{'refresh s':>11}{'articles':>10}{'failed':>8}{'peak MB':>9}")
    for name, result in results.items():
        print(
            f"{name:12}{result['first_s']:>10.1f}{result['refresh_s']:>11.1f}"
            f"{result['articles']:>10}{result.get('failed', 0):>8}"
            f"{result['peak_mb'] + result['child_mb']:>9}"
        )
    courant, floor = results["Courant"], results["floor"]
    print(f"feedparser alone on every core: {floor['parse_s']:.1f} s")
    print(f"first gather: {results['reader']['first_s'] / courant['first_s']:.1f}x reader")
    print(f"first gather: {results['rss2email']['first_s'] / courant['first_s']:.1f}x rss2email")
    print(f"first gather: {floor['parse_s'] / courant['first_s']:.1f}x bare feedparser")
    print(f"refresh: {results['reader']['refresh_s'] / courant['refresh_s']:.1f}x reader")
    print(f"refresh: {courant['refresh_s'] / floor['refresh_s']:.2f} of the bare requests")
    print(f"requests to DynamoDB: {courant['requests']} (first), {courant['requests_refresh']}")


def scale(latency_ms: float, workers: int) -> None:
    """Courant alone over a growing number of feeds."""
    print(
        f"{'feeds':>8}{'first s':>10}{'refresh s':>11}{'ms a feed':>11}{'peak MB':>9}{'asked':>8}"
    )
    for feeds in (1000, 3000, 10_000):
        with origin(latency_ms) as port:
            result = run("courant_gather", sys.executable, port, feeds, workers)
        print(
            f"{feeds:>8}{result['first_s']:>10.1f}{result['refresh_s']:>11.1f}"
            f"{result['first_s'] / feeds * 1000:>11.2f}"
            f"{result['peak_mb'] + result['child_mb']:>9}{result['requests']:>8}"
        )


def _scaled(result: Result, factor: float) -> Result:
    return (
        result
        | {name: result[name] * factor for name in ("first_s", "refresh_s")}
        | {"articles": round(result["articles"] * factor)}
    )


def main() -> None:
    """Run from the command line."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--feeds", type=int, default=1000)
    words.add_argument("--latency", type=float, default=50)
    words.add_argument("--workers", type=int, default=16)
    words.add_argument("--few", type=int, default=91, help="feeds that rss2email is given")
    words.add_argument("--peers", default=str(Path(".venv-bench/bin/python")))
    words.add_argument("--scale", action="store_true")
    chosen = words.parse_args()
    if chosen.scale:
        scale(chosen.latency, chosen.workers)
    else:
        compare(chosen.feeds, chosen.latency, chosen.workers, chosen.peers, chosen.few)


if __name__ == "__main__":
    main()
